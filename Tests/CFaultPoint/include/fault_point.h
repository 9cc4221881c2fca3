// A fault at the n-th call of a kind, counted over all threads of the process.
#pragma once

/// Linking this in replaces the C library's write, sync, rename, link and unlink calls (and their variants) by ones that look at `FORGE_FAULT` first:
/// `KIND:WHAT:N`, or `KIND:WHAT:N+` for that call and all after it. KIND is `write`, `sync`, `rename`, `link` or `unlink`. WHAT is an error's
/// name (`ENOSPC`, `EIO`, `EINTR`), `SHORT` (half of a write is done), `KILL` (SIGKILL instead of the call) or `KILLED` (right after it).
/// A fault that struck says `struck` on standard error.
///
/// `strace --inject` counts the calls of each thread for itself, and here nearly every piece of work has a thread of its own.
int forge_fault_is_armed(void);
