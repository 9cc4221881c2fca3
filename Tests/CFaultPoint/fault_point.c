#define _GNU_SOURCE
#include "fault_point.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { NONE, WRITE, SYNC, RENAME, LINK, UNLINK };
enum what { ERROR, SHORT, KILL, KILLED };

static enum kind armed;
static enum what what;
static int error_number;
static long first;
static int goes_on;
static atomic_long seen;

static const char *const kinds[] = {"", "write", "sync", "rename", "link", "unlink"};

__attribute__((constructor)) static void arm(void) {
    const char *text = getenv("FORGE_FAULT");
    if (!text) return;
    char words[64];
    strncpy(words, text, sizeof words - 1);
    words[sizeof words - 1] = 0;
    char *rest = NULL;
    const char *kind = strtok_r(words, ":", &rest);
    const char *how = strtok_r(NULL, ":", &rest);
    const char *number = strtok_r(NULL, ":", &rest);
    if (!kind || !how || !number) abort();
    for (int each = WRITE; each <= UNLINK; each++)
        if (!strcmp(kind, kinds[each])) armed = each;
    if (!strcmp(how, "ENOSPC")) error_number = ENOSPC;
    else if (!strcmp(how, "EIO")) error_number = EIO;
    else if (!strcmp(how, "EINTR")) error_number = EINTR;
    else if (!strcmp(how, "SHORT")) what = SHORT;
    else if (!strcmp(how, "KILL")) what = KILL;
    else if (!strcmp(how, "KILLED")) what = KILLED;
    else abort();
    char *end = NULL;
    first = strtol(number, &end, 10);
    goes_on = *end == '+';
    if (armed == NONE || first < 1) abort();
}

int forge_fault_is_armed(void) { return armed != NONE; }

/// Whether this call is the one. Does not come back from `KILL`.
static int strikes(enum kind kind) {
    if (kind != armed) return 0;
    long number = atomic_fetch_add(&seen, 1) + 1;
    if (number != first && !(goes_on && number > first)) return 0;
    if (number == first) syscall(SYS_write, 2, "struck\n", 7);
    if (what == KILL) syscall(SYS_kill, getpid(), SIGKILL);
    return 1;
}

/// One call of `kind`, by its number and arguments.
static long call(enum kind kind, long number, long a, long b, long c, long d, long e) {
    int struck = strikes(kind);
    if (struck && what == ERROR) {
        errno = error_number;
        return -1;
    }
    if (struck && what == SHORT && c > 1) c /= 2;
    long result = syscall(number, a, b, c, d, e);
    if (struck && what == KILLED) syscall(SYS_kill, getpid(), SIGKILL);
    return result;
}

ssize_t write(int fd, const void *bytes, size_t count) { return call(WRITE, SYS_write, fd, (long)bytes, count, 0, 0); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return call(WRITE, SYS_pwrite64, fd, (long)bytes, count, at, 0); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { return call(WRITE, SYS_pwrite64, fd, (long)bytes, count, at, 0); }
int fsync(int fd) { return call(SYNC, SYS_fsync, fd, 0, 0, 0, 0); }
int fdatasync(int fd) { return call(SYNC, SYS_fdatasync, fd, 0, 0, 0, 0); }
int syncfs(int fd) { return call(SYNC, SYS_syncfs, fd, 0, 0, 0, 0); }
int rename(const char *from, const char *to) { return call(RENAME, SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return call(RENAME, SYS_renameat2, a, (long)from, b, (long)to, flags);
}
int link(const char *from, const char *to) { return call(LINK, SYS_linkat, AT_FDCWD, (long)from, AT_FDCWD, (long)to, 0); }
int linkat(int a, const char *from, int b, const char *to, int flags) { return call(LINK, SYS_linkat, a, (long)from, b, (long)to, flags); }
int unlink(const char *path) { return call(UNLINK, SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0); }
int unlinkat(int at, const char *path, int flags) { return call(UNLINK, SYS_unlinkat, at, (long)path, flags, 0, 0); }
