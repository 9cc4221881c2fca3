// The file systems of a step or server: id-mapped read-only layers, a bounded writable disk, a step's overlay over both, an
// empty root.
#define _GNU_SOURCE
#include "sandbox.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Whose the files of layers and of the step's disk are, as this process counts ids.
unsigned long owner_of_files(const struct request *request) { return request->is_rootless ? 0 : request->base + request->user; }

// The same of the sandbox's root; where there is one id only, it is that.
unsigned long owner_of_root(const struct request *request) {
    if (request->is_rootless) return request->lent_users ? 1 : 0;
    return request->base;
}

static void write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) die(path);
    close(fd);
}

// A user namespace in which file owner 0 (the store's) is `owner` on the host; used only as a mount's id map.
static int layer_id_map(unsigned long owner) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0) die("pipe");
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        char byte = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
        if (write(ready[1], &byte, 1) < 0 || byte == 'n') _exit(1);
        for (;;) pause();
    }
    char byte = 'n', path[64], map[64];
    if (read(ready[0], &byte, 1) != 1 || byte != 'y') {
        errno = EPERM;
        lack("user-namespaces", "make one");
    }
    snprintf(map, sizeof map, "0 %lu 1", owner);
    snprintf(path, sizeof path, "/proc/%d/uid_map", child);
    write_text(path, map);
    snprintf(path, sizeof path, "/proc/%d/gid_map", child);
    write_text(path, map);
    snprintf(path, sizeof path, "/proc/%d/ns/user", child);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) die(path);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    return fd;
}

// An `id_map` of -1 leaves the owners as they are.
static void mount_layer(const char *source, const char *target, int id_map) {
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) die(source);
    struct mount_attr attributes = {
        .attr_set = (id_map < 0 ? 0 : MOUNT_ATTR_IDMAP) | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
        .userns_fd = id_map < 0 ? 0 : (__u64)id_map,
    };
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) {
        if (id_map >= 0) lack("id-mapped-mounts", "map a layer's ids");
        die("make a layer read-only");
    }
    if (mkdir(target, 0700) < 0 && errno != EEXIST) die(target);
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0) die("mount a layer");
    close(tree);
}

// For `--can-id-map PATH`: 0 when the file system there lets its mounts be id-mapped; nothing is mounted.
int can_id_map(const char *path) {
    int id_map = layer_id_map(1);
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_RDONLY, .userns_fd = (__u64)id_map};
    if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) return errno;
    return 0;
}

// Attaches the image to a free loop device that goes away by itself with the last mount.
static void mount_image(const char *image, const char *target) {
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0) lack("disk", "/dev/loop-control");
    int file = open(image, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) die(image);
    for (int attempt = 0; attempt < 64; attempt++) {
        int index = ioctl(control, LOOP_CTL_GET_FREE);
        if (index < 0) lack("disk", "find a free loop device");
        char device[32];
        snprintf(device, sizeof device, "/dev/loop%d", index);
        int loop = open(device, O_RDWR | O_CLOEXEC);
        if (loop < 0) lack("disk", device);
        struct loop_config config = {.fd = (__u32)file, .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
        if (ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
            if (mount(device, target, "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME, "nobarrier,noinit_itable") < 0) lack("disk", "mount the step's disk");
            close(loop);
            close(file);
            close(control);
            return;
        }
        if (errno != EBUSY) die("attach the step's disk");
        close(loop);  // another sandbox was faster
    }
    die("attach the step's disk");
}

static void make_owned(const char *path, mode_t mode, unsigned long owner) {
    if (mkdir(path, 0700) < 0 && errno != EEXIST) die(path);
    if (chown(path, (uid_t)owner, (gid_t)owner) < 0 || chmod(path, mode) < 0) die(path);
}

static void mount_disk(const struct request *request) {
    if (mkdir(STAGE "disk", 0700) < 0) die(STAGE "disk");
    // A tmpfs that nothing is said of has as many inodes as the machine's memory suggests, which may happen to be few.
    if (leaves_out(request, "bounded-disk")) {
        if (mount("forge", STAGE "disk", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME, "mode=0700,size=0,nr_inodes=0") < 0)
            die("mount the step's disk");
    } else if (request->image) {
        mount_image(request->image, STAGE "disk");
    } else {
        char options[64];
        int length = snprintf(options, sizeof options, "mode=0700,size=%lu", request->tmpfs_bytes);
        if (request->tmpfs_inodes) snprintf(options + length, sizeof options - (size_t)length, ",nr_inodes=%lu", request->tmpfs_inodes);
        if (mount("forge", STAGE "disk", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME, options) < 0) die("mount the step's disk");
    }
    // The ids inside the sandbox walk through here to reach their folders.
    if (chmod(STAGE "disk", 0711) < 0) die(STAGE "disk");
    unsigned long owner = owner_of_files(request);
    if (!request->is_server || request->writable_count) {
        make_owned(STAGE "disk/upper", 0755, owner);
        make_owned(STAGE "disk/work", 0755, owner);
    }
    make_owned(STAGE "disk/tmp", 0777 | S_ISVTX, owner);
    make_owned(STAGE "disk/own", 0755, owner);
}

static void mount_overlay(const struct request *request, int id_map) {
    char options[4096];
    // user.* attributes rule the other two out, and having been told so is an error in some kernels.
    int length = snprintf(options, sizeof options, "upperdir=" STAGE "disk/upper,workdir=" STAGE "disk/work,%s,lowerdir=",
                          request->is_rootless ? "userxattr" : "redirect_dir=off,metacopy=off");
    for (size_t i = 0; i < request->layer_count; i++) {
        char target[48];
        snprintf(target, sizeof target, STAGE "l%zu", i);
        mount_layer(request->layers[i], target, id_map);
        length += snprintf(options + length, sizeof options - (size_t)length, i ? ":%s" : "%s", target);
        if (length >= (int)sizeof options - 32) {
            errno = E2BIG;
            die("too many layers");
        }
    }
    if (mkdir(STAGE "workspace", 0755) < 0) die("workspace");
    if (mount("workspace", STAGE "workspace", "overlay", MS_NOSUID | MS_NODEV | MS_NOATIME, options) < 0)
        lack("overlay", "mount the workspace");
}

// Folders that the server may write to, each step of the way made where it is missing. A link leads wherever its maker pleases.
static void make_writable(const char *path, unsigned long owner) {
    char name[256];
    int folder = open(STAGE "workspace", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (const char *rest = path; folder >= 0 && *rest;) {
        size_t length = strcspn(rest, "/");
        if (length >= sizeof name) {
            errno = ENAMETOOLONG;
            die(path);
        }
        memcpy(name, rest, length);
        name[length] = 0;
        rest += length + (rest[length] == '/');
        if (mkdirat(folder, name, 0755) == 0) {
            if (fchownat(folder, name, (uid_t)owner, (gid_t)owner, AT_SYMLINK_NOFOLLOW) < 0) die(path);
        } else if (errno != EEXIST) {
            die(path);
        }
        int next = openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(folder);
        folder = next;
    }
    if (folder < 0) die(path);
    close(folder);
}

static void mount_workspace(const struct request *request) {
    int id_map = request->is_rootless || request->has_plain_layers ? -1 : layer_id_map(owner_of_files(request));
    if (request->is_server && !request->writable_count) mount_layer(request->layers[0], STAGE "workspace", id_map);
    else mount_overlay(request, id_map);
    if (id_map >= 0) close(id_map);
    for (size_t i = 0; i < request->writable_count; i++) make_writable(request->writables[i], owner_of_files(request));
}

// A stored tree of system files, read-only. They belong to the sandbox's root; without an id map to whomever they do, which is enough to
// read them.
void mount_tree(const struct request *request, const char *source, const char *target) {
    int id_map = request->is_rootless || request->has_plain_layers ? -1 : layer_id_map(owner_of_root(request));
    mount_layer(source, target, id_map);
    if (id_map >= 0) close(id_map);
}

// The host's /usr, where the bundle takes it from, without what may be mounted below it. Not left to the runtime: it binds from within
// the container's user namespace, in which such mounts are locked to their place, and would be refused. So is this for an ordinary
// user, who has to take all of it.
static void mount_system(const struct request *request) {
    unsigned extent = 0;
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/usr", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 && errno == EINVAL && request->is_rootless) {
        extent = AT_RECURSIVE;
        tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/usr", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | extent);
    }
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    if (leaves_out(request, "read-only-system")) attributes.attr_set &= ~(__u64)MOUNT_ATTR_RDONLY;
    if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | extent, &attributes, sizeof attributes) < 0) die("/usr");
    if (mkdir(STAGE "usr", 0755) < 0) die("usr");
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, STAGE "usr", MOVE_MOUNT_F_EMPTY_PATH) < 0) die("mount /usr");
    close(tree);
}

// Folders that belong to nobody inside: no id map, so they are shared with every other sandbox as they are.
static void mount_folders(const struct request *request) {
    for (size_t i = 0; i < request->mount_count; i++) {
        char target[48];
        snprintf(target, sizeof target, STAGE "m%zu", i);
        int tree = (int)syscall(SYS_open_tree, AT_FDCWD, request->mounts[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (tree < 0) die(request->mounts[i]);
        struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
        if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) die("make a toolchain read-only");
        if (mkdir(target, 0755) < 0) die(target);
        if (syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0) die("mount a toolchain");
        close(tree);
    }
}

// Copies a regular file of the directory `from_fd`; it belongs to the sandbox's root.
static void copy_file(int from_fd, const char *name, const char *target, unsigned long owner) {
    char buffer[8192];
    int from = openat(from_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (from < 0 || to < 0) die(name);
    for (ssize_t n; (n = read(from, buffer, sizeof buffer)) != 0;)
        if (n < 0 || write(to, buffer, (size_t)n) != n) die(name);
    if (fchown(to, (uid_t)owner, (gid_t)owner) < 0) die(name);
    close(from);
    close(to);
}

// The few files of /etc that programs look for, written by Forge into `etc` of the run directory.
// They belong to the sandbox's root, so that the runtime can make mount points beside them.
void copy_etc(const char *root, unsigned long owner) {
    char target[320];
    snprintf(target, sizeof target, "%s/etc", root);
    if (mkdir(target, 0755) < 0 || chown(target, (uid_t)owner, (gid_t)owner) < 0) die("etc");
    DIR *directory = opendir("etc");
    if (!directory) die("etc");
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_type != DT_REG) continue;
        snprintf(target, sizeof target, "%s/etc/%s", root, entry->d_name);
        copy_file(dirfd(directory), entry->d_name, target, owner);
    }
    closedir(directory);
}

// An empty root on memory, so that no path of the host shows in the step's mount table.
static void mount_root(const struct request *request) {
    char options[96];
    snprintf(options, sizeof options, "mode=0755,size=1m,nr_inodes=512,uid=%lu,gid=%lu", owner_of_root(request), owner_of_root(request));
    if (mkdir(STAGE "root", 0755) < 0) die("root");
    if (mount("forge", STAGE "root", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0) die("mount the root");
    copy_etc(STAGE "root", owner_of_root(request));
    make_group_places(request);
    static const char *const links[][2] = {
        {"usr/bin", STAGE "root/bin"}, {"usr/sbin", STAGE "root/sbin"}, {"usr/lib", STAGE "root/lib"}, {"usr/lib64", STAGE "root/lib64"}, {"usr/lib32", STAGE "root/lib32"}};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlink(links[i][0], links[i][1]) < 0) die(links[i][1]);
}

// The CA certificates of a step with a network, beside the stage's other parts: too large for its root.
static void copy_certificates(void) {
    if (access("operator.pem", F_OK) == 0) copy_file(AT_FDCWD, "operator.pem", STAGE "operator.pem", 0);
}

// crun refuses a hybrid cgroup hierarchy; without its v2 half this is a plain v1 one. What was mounted by root may be covered by an
// ordinary user, not unmounted.
static void hide_unified_groups(const struct request *request) {
    if (access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) < 0) return;
    int result = request->is_rootless ? mount("none", "/sys/fs/cgroup/unified", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k")
                                      : umount2("/sys/fs/cgroup/unified", MNT_DETACH);
    if (result < 0) die("/sys/fs/cgroup/unified");
}

void prepare_mounts(const struct request *request) {
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) lack("namespaces", "make mounts private");
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) lack("namespaces", "mount /proc");
    hide_unified_groups(request);
    // A stage that the ids inside may walk through, whatever the modes above Forge's own folders are.
    if (mount("forge", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=16m") < 0) die("/run");
    if (mkdir(STAGE, 0755) < 0) die(STAGE);
    mount_disk(request);
    mount_workspace(request);
    mount_folders(request);
    if (request->root) mount_image_root(request);
    else mount_root(request);
    if (request->packages) mount_packages(request);
    else if (!request->root) mount_system(request);
    copy_certificates();
    if (request->is_server) return;
    int upper = open(STAGE "disk/upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (upper < 0) die(STAGE "disk/upper");
    send_descriptor('U', upper);
    close(upper);
}
