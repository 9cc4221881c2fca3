// Linux calls that Swift cannot import: GNU variadics, pidfds, posix_spawn with a descriptor map.
// Every function returns 0 or a positive value on success and -errno on failure.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// One entry of a child's descriptor table: `parent` becomes `child` there.
struct forge_fd_map {
    int parent;
    int child;
};

/// Starts `path` with exactly the mapped descriptors (all others closed), default signal dispositions, an empty signal
/// mask and, when `new_session`, a session of its own. `pidfd` receives a close-on-exec pidfd.
int forge_spawn(const char *path, char *const argv[], char *const envp[], const char *cwd, const struct forge_fd_map *map,
                size_t count, int new_session, pid_t *pid, int *pidfd);

/// Waits for the child behind `pidfd`. `*code` is the exit status, or the signal when `*signaled` is 1.
int forge_wait(int pidfd, int *code, int *signaled);

int forge_pidfd_signal(int pidfd, int signal);
int forge_pipe(int fds[2]);
int forge_socketpair(int fds[2]);
int forge_flock(int fd, int exclusive, int blocking);
/// Lets go of the lock for every descriptor of the same opening, a child's too.
void forge_funlock(int fd);
/// Sets the file's times to `seconds` since 1970 without following a link.
int forge_set_times(int dirfd, const char *name, int64_t seconds);
/// openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS: nothing outside `dirfd` is ever reached.
int forge_open_beneath(int dirfd, const char *path, int flags, int mode);
int forge_rename_noreplace(const char *from, const char *to);
/// Exchanges two paths atomically.
int forge_rename_exchange(const char *from, const char *to);
/// Ties the calling process's life to its parent's.
int forge_die_with_parent(int signal);
int forge_stderr_write(const void *bytes, size_t count);
/// Receives up to `size` bytes and at most one descriptor (`*fd`, -1 when none came). 0 at the end.
ssize_t forge_receive(int socket, void *bytes, size_t size, int *fd);
/// Free bytes and free inodes of the file system behind `fd`.
int forge_free_space(int fd, uint64_t *bytes, uint64_t *inodes);

// Whether `word` stands in `bytes`; memmem, which Swift cannot name.
int forge_contains(const void *bytes, size_t count, const void *word, size_t length);
int forge_terminal_width(int fd);
/// 1 when something keeps the kernel's clock right, 0 when nothing does.
int forge_clock_is_kept(void);
