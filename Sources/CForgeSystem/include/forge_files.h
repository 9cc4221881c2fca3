// File-system calls that Swift cannot import. Same convention: -errno on failure.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Writes everything that is dirty on the file system behind `fd` to its disk.
int forge_syncfs(int fd);
/// The value of an extended attribute of an open file: its length, at most `size` bytes of it in `value`.
ssize_t forge_get_attribute(int fd, const char *name, void *value, size_t size);
/// An empty file that has no name and lies in memory only.
int forge_memory_file(const char *name);
