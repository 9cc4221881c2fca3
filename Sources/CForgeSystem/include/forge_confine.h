// Calls that give rights away for good. Same convention: -errno on failure.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// From now on this thread, and every thread and program it starts, writes to nothing but what lies below `folder`, and to
/// /dev/null (Landlock). Sets no_new_privs. -ENOSYS or -EOPNOTSUPP when the kernel has no Landlock; no_new_privs holds then too.
int forge_confine_writes(const char *folder);
/// The version of the kernel's Landlock; -errno when it has none.
int forge_landlock_version(void);
/// No core files, and no file larger than `bytes`: writing on gives EFBIG, not a signal.
int forge_limit_files(uint64_t bytes);
/// SIGTERM, SIGHUP, SIGINT and SIGALRM kill the whole process group of this process at once.
int forge_die_as_a_group(void);
