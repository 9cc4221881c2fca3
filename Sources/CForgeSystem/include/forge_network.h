// Sockets for Swift. -errno on failure.
#pragma once

/// A connected TCP socket to the first address of `host` that answers; each is waited for at most `milliseconds`.
/// -EADDRNOTAVAIL when the name is not known.
int forge_connect_tcp(const char *host, const char *port, int milliseconds);
/// Waits until `fd` can be read: 1, or 0 when nothing came within `milliseconds`.
int forge_wait_readable(int fd, int milliseconds);
/// The same for writing.
int forge_wait_writable(int fd, int milliseconds);
