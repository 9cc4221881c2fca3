#define _GNU_SOURCE
#include "forge_files.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

int forge_syncfs(int fd) { return syncfs(fd) < 0 ? -errno : 0; }

ssize_t forge_get_attribute(int fd, const char *name, void *value, size_t size) {
    ssize_t length = fgetxattr(fd, name, value, size);
    return length < 0 ? -errno : length;
}

int forge_memory_file(const char *name) {
    int fd = memfd_create(name, MFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}
