// What a step or server has for a root besides the host's /usr: the unpacked root file system of an image, or packages laid over /usr.
#define _GNU_SOURCE
#include "sandbox.h"
#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY STAGE "memory"

static void make_owned_folder(const char *path, unsigned long owner) {
    if (mkdir(path, 0755) < 0 || chown(path, (uid_t)owner, (gid_t)owner) < 0) die(path);
}

// Forge's own files, and real folders where something is mounted, whatever the image has in their place: links of it lead nobody out.
// The runtime makes what other places it needs. All of it lies in memory and is read-only once the runtime has begun.
void mount_image_root(const struct request *request) {
    unsigned long owner = owner_of_root(request);
    char options[256];
    mount_tree(request, request->root, STAGE "image");
    snprintf(options, sizeof options, "mode=0755,size=1m,nr_inodes=512,uid=%lu,gid=%lu", owner, owner);
    if (mkdir(MEMORY, 0755) < 0) die(MEMORY);
    if (mount("forge", MEMORY, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0) die("mount the root");
    make_owned_folder(MEMORY "/work", owner);
    make_owned_folder(MEMORY "/upper", owner);
    copy_etc(MEMORY "/upper", owner);
    static const char *const places[] = {"proc", "dev", "sys", "sys/fs", "sys/fs/cgroup", "tmp", "workspace", "home", "home/build"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[64];
        snprintf(path, sizeof path, MEMORY "/upper/%s", places[i]);
        make_owned_folder(path, owner);
    }
    if (mkdir(STAGE "root", 0755) < 0) die("root");
    // As for the workspace.
    snprintf(options, sizeof options, "upperdir=" MEMORY "/upper,workdir=" MEMORY "/work,%s,lowerdir=" STAGE "image",
             request->is_rootless ? "userxattr" : "redirect_dir=off,metacopy=off");
    if (mount("root", STAGE "root", "overlay", MS_NOSUID | MS_NODEV | MS_NOATIME, options) < 0) lack("overlay", "mount the image");
    make_group_places(request);
}

// The host's /usr with the files of packages over it, where the bundle takes it from.
void mount_packages(const struct request *request) {
    mount_tree(request, request->packages, STAGE "packages");
    if (mkdir(STAGE "usr", 0755) < 0) die("usr");
    if (mount("usr", STAGE "usr", "overlay", MS_NOSUID | MS_NODEV | MS_NOATIME | MS_RDONLY, "lowerdir=" STAGE "packages:/usr") < 0)
        lack("overlay", "lay packages over /usr");
}
