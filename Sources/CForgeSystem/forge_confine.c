#define _GNU_SOURCE
#include "forge_confine.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

static uint64_t write_rights(long version) {
    uint64_t rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                      LANDLOCK_ACCESS_FS_MAKE_SYM;
    if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return rights;
}

static int allow(int ruleset, const char *path, uint64_t rights) {
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) return -errno;
    int result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
    close(rule.parent_fd);
    return result;
}

int forge_landlock_version(void) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? -errno : (int)version;
}

int forge_confine_writes(const char *folder) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
    int version = forge_landlock_version();
    if (version < 0) return version;
    struct landlock_ruleset_attr handled = {.handled_access_fs = write_rights(version)};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (ruleset < 0) return -errno;
    fcntl(ruleset, F_SETFD, FD_CLOEXEC);
    int result = allow(ruleset, folder, handled.handled_access_fs);
    if (!result)
        result = allow(ruleset, "/dev/null", handled.handled_access_fs & (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE));
    if (!result && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) result = -errno;
    close(ruleset);
    return result;
}

int forge_limit_files(uint64_t bytes) {
    struct rlimit core = {0, 0}, size = {bytes, bytes};
    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_CORE, &core) < 0 || setrlimit(RLIMIT_FSIZE, &size) < 0 ? -errno : 0;
}

static void kill_group(int number) {
    (void)number;
    kill(0, SIGKILL);
}

int forge_die_as_a_group(void) {
    // Whoever does not lead a group of its own would take strangers along.
    if (getpgrp() != getpid() && setpgid(0, 0) < 0) return -errno;
    struct sigaction action = {.sa_handler = kill_group};
    int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], &action, NULL) < 0) return -errno;
    return 0;
}
