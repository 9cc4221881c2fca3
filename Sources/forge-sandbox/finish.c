// What only Forge can add to a container that the runtime has made and not yet started: its own limits to look at, and flags that
// the runtime leaves out on the mounts it makes by itself (devices, masks).
//
// A child of the inner process does it from within the container's mount namespace, as root of the host: nothing of the step
// runs yet, and nobody in the container could undo it.
#define _GNU_SOURCE
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Of v1, those that runtimes of languages size themselves by; the JVM wants the first four or none.
static const char *const hierarchies[] = {"memory", "cpu", "cpuacct", "cpuset", "pids"};
enum { HIERARCHIES = sizeof hierarchies / sizeof *hierarchies };

static void make_folder(const char *path) {
    if (mkdir(path, 0755) < 0 && errno != EEXIST) die(path);
}

void make_group_places(const struct request *request) {
    if (leaves_out(request, "visible-limits")) return;
    make_folder(STAGE "root/sys");
    make_folder(STAGE "root/sys/fs");
    make_folder(STAGE "root" GROUPS);
    if (has_unified_groups()) return;
    char path[128];
    for (size_t i = 0; i < HIERARCHIES; i++) {
        snprintf(path, sizeof path, STAGE "root" GROUPS "/%s", hierarchies[i]);
        make_folder(path);
    }
}

// A read-only view of one folder of the container's cgroup; -1 where there is no such hierarchy.
static int view_of(const char *hierarchy, const char *cgroup) {
    char path[512];
    snprintf(path, sizeof path, GROUPS "/%s%s%s", hierarchy ? hierarchy : "", hierarchy ? "/" : "", cgroup);
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 && errno == ENOENT) return -1;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
    if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) die(path);
    return tree;
}

static void show(int view, const char *hierarchy) {
    char path[64];
    if (view < 0) return;
    snprintf(path, sizeof path, GROUPS "%s%s", hierarchy ? "/" : "", hierarchy ? hierarchy : "");
    if (syscall(SYS_move_mount, view, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0) die(path);
    close(view);
}

// A step's weight changes while it runs, which is nothing for it to see.
static int constant_weight(void) {
    int file = open(STAGE "weight", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    const char *text = shown_weight();
    if (file < 0 || write(file, text, strlen(text)) < 0) die("weight");
    close(file);
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, STAGE "weight", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
    if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) die("weight");
    return tree;
}

// Where there is no `cpu` controller there is nothing to cover.
static void cover_weight(int tree) {
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, place_of_weight(), MOVE_MOUNT_F_EMPTY_PATH) < 0 && errno != ENOENT) die(place_of_weight());
    close(tree);
}

static void enter_mounts_of(pid_t container) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", container);
    int namespace = open(path, O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || setns(namespace, CLONE_NEWNS) < 0) die("enter the container's mounts");
    close(namespace);
}

static void set_flags(const char *path, __u64 set, __u64 clear, unsigned extent) {
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear};
    if (syscall(SYS_mount_setattr, AT_FDCWD, path, extent, &attributes, sizeof attributes) < 0) die(path);
}

static void finish(const struct request *request, pid_t container) {
    int views[HIERARCHIES], unified = -1, shows = !leaves_out(request, "visible-limits");
    if (shows && has_unified_groups()) unified = view_of(NULL, request->cgroup);
    for (size_t i = 0; i < HIERARCHIES; i++)
        views[i] = shows && !has_unified_groups() ? view_of(hierarchies[i], request->cgroup) : -1;
    int weight = shows ? constant_weight() : -1;
    enter_mounts_of(container);
    show(unified, NULL);
    for (size_t i = 0; i < HIERARCHIES; i++) show(views[i], hierarchies[i]);
    if (shows) cover_weight(weight);
    if (!leaves_out(request, "nosuid")) set_flags("/", MOUNT_ATTR_NOSUID, 0, AT_RECURSIVE);
    if (leaves_out(request, "fixed-devices")) return;
    // Devices are the host's own inodes: to be used, not to be changed. So are the files that masks are made of.
    set_flags("/dev", MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE);
    set_flags("/dev/shm", 0, MOUNT_ATTR_RDONLY, 0);
    set_flags("/proc", MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE);
    set_flags("/proc", 0, MOUNT_ATTR_RDONLY, 0);
}

void finish_container(const struct request *request, pid_t container) {
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        finish(request, container);
        _exit(0);
    }
    if (!succeeded(wait_for(child))) _exit(EXIT_SETUP);  // it has said why
}
