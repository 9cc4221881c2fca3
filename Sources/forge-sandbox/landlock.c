// What a step without a container may touch of the file system, where the kernel has Landlock: the system's programs to read, its own
// folder to change, and nothing of anybody's home.
#define _GNU_SOURCE
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// All rights of version 1; later versions add to them, and a kernel refuses rights that it does not know.
enum { FIRST_RIGHTS = (1 << 13) - 1 };
enum { READ_RIGHTS = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR };

static void allow(int ruleset, const char *path, unsigned long long rights) {
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (rule.parent_fd < 0) return;  // nothing there, nothing to see
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0) die("landlock");
    close(rule.parent_fd);
}

void confine_files(const char *own) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) return;
    unsigned long long all = FIRST_RIGHTS;
    if (version >= 2) all |= 1 << 13;  // moving and linking between folders
    if (version >= 3) all |= 1 << 14;  // truncation
    struct landlock_ruleset_attr handled = {.handled_access_fs = all};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (ruleset < 0) die("landlock");
    static const char *const readable[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/proc", "/sys"};
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++) allow(ruleset, readable[i], READ_RIGHTS);
    allow(ruleset, "/dev", READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE);
    allow(ruleset, "/dev/shm", all);
    allow(ruleset, own, all);
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) die("landlock");
    close(ruleset);
}
