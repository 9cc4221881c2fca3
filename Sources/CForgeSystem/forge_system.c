#define _GNU_SOURCE
#include "forge_system.h"
#include <sys/timex.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int forge_spawn(const char *path, char *const argv[], char *const envp[], const char *cwd, const struct forge_fd_map *map,
                size_t count, int new_session, pid_t *pid, int *pidfd) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int *high = calloc(count ? count : 1, sizeof *high);
    if (!high) return -ENOMEM;
    int error = 0, top = 0;
    size_t made = 0;
    // First out of the way of every target number, so that no dup2 overwrites a descriptor that is still to be mapped.
    for (; made < count; made++) {
        high[made] = fcntl(map[made].parent, F_DUPFD_CLOEXEC, 512);
        if (high[made] < 0) { error = errno; goto close_high; }
        if (map[made].child >= top) top = map[made].child + 1;
    }
    if ((error = posix_spawn_file_actions_init(&actions))) goto close_high;
    if ((error = posix_spawnattr_init(&attributes))) goto destroy_actions;
    for (size_t i = 0; i < count && !error; i++) error = posix_spawn_file_actions_adddup2(&actions, high[i], map[i].child);
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, top);
    if (!error && cwd) error = posix_spawn_file_actions_addchdir_np(&actions, cwd);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    if (new_session) flags |= POSIX_SPAWN_SETSID;
    if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (!error) error = posix_spawnattr_setflags(&attributes, flags);
    if (!error) error = posix_spawn(pid, path, &actions, &attributes, argv, envp);
    if (!error) {
        // The child cannot be reaped before we wait for it, so its number still means it.
        *pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
        if (*pidfd < 0) {
            error = errno;
            kill(*pid, SIGKILL);
            waitpid(*pid, NULL, 0);
        }
    }
    posix_spawnattr_destroy(&attributes);
destroy_actions:
    posix_spawn_file_actions_destroy(&actions);
close_high:
    while (made > 0) close(high[--made]);
    free(high);
    return -error;
}

int forge_wait(int pidfd, int *code, int *signaled) {
    siginfo_t info;
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0)
        if (errno != EINTR) return -errno;
    *signaled = info.si_code != CLD_EXITED;
    *code = info.si_status;
    return 0;
}

int forge_pidfd_signal(int pidfd, int signal) { return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0; }
int forge_pipe(int fds[2]) { return pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0; }
int forge_socketpair(int fds[2]) { return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0; }

int forge_flock(int fd, int exclusive, int blocking) {
    int operation = (exclusive ? LOCK_EX : LOCK_SH) | (blocking ? 0 : LOCK_NB);
    while (flock(fd, operation) < 0)
        if (errno != EINTR) return -errno;
    return 0;
}

void forge_funlock(int fd) { flock(fd, LOCK_UN); }

int forge_set_times(int dirfd, const char *name, int64_t seconds) {
    struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    return utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int forge_open_beneath(int dirfd, const char *path, int flags, int mode) {
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = (uint64_t)((flags & O_CREAT) ? mode : 0),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int fd;
    do fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return fd < 0 ? -errno : fd;
}

int forge_rename_noreplace(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}
int forge_rename_exchange(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) < 0 ? -errno : 0;
}
int forge_die_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal) < 0 ? -errno : 0; }

int forge_stderr_write(const void *bytes, size_t count) {
    const char *at = bytes;
    while (count > 0) {
        ssize_t written = write(STDERR_FILENO, at, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return -errno;
        at += written;
        count -= (size_t)written;
    }
    return 0;
}

int forge_terminal_width(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) < 0 ? -errno : size.ws_col;
}

ssize_t forge_receive(int socket, void *bytes, size_t size, int *fd) {
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec data = {bytes, size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t count;
    *fd = -1;
    do count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(header), sizeof *fd);
    return count;
}

int forge_free_space(int fd, uint64_t *bytes, uint64_t *inodes) {
    struct statvfs info;
    if (fstatvfs(fd, &info) < 0) return -errno;
    *bytes = (uint64_t)info.f_bavail * info.f_frsize;
    *inodes = info.f_favail;
    return 0;
}

int forge_clock_is_kept(void) {
    struct timex state = {0};
    int result = adjtimex(&state);
    return result < 0 ? -errno : result != TIME_ERROR;
}

int forge_contains(const void *bytes, size_t count, const void *word, size_t length) { return memmem(bytes, count, word, length) != NULL; }
