// What the step's cgroup has to tell, and its removal: v1 (one hierarchy a controller) and v2.
#define _GNU_SOURCE
#include "sandbox.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const mount_point = GROUPS;

int has_unified_groups(void) {
    char path[64];
    snprintf(path, sizeof path, "%s/cgroup.controllers", mount_point);
    return access(path, F_OK) == 0;
}

// The group this process is in, where its processes are listed; empty when that cannot be told.
static void own_processes(char *path, size_t size) {
    char line[1024];
    path[0] = 0;
    FILE *stream = fopen("/proc/self/cgroup", "re");
    if (!stream) return;
    while (fgets(line, sizeof line, stream)) {
        char *controller = strchr(line, ':'), *place = controller ? strchr(controller + 1, ':') : NULL;
        if (!place) continue;
        *place++ = 0;
        place[strcspn(place, "\n")] = 0;
        if (strcmp(++controller, has_unified_groups() ? "" : "pids")) continue;
        snprintf(path, size, "%s%s%s%s/cgroup.procs", mount_point, *controller ? "/" : "", controller, place);
    }
    fclose(stream);
}

// Moving a process into another group waits for a grace period of the kernel, ten milliseconds and more, unless somebody has just
// waited for one. The runtime will move the container in a moment: this waits already, by moving the caller to where it is, which
// changes nothing. Without the right to do so nothing is gained.
void hasten_groups(void) {
    char path[PATH_MAX], pid[16];
    own_processes(path, sizeof path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, pid, (size_t)snprintf(pid, sizeof pid, "%d", getpid()));
    close(fd);
}

// The value of `key` in a file of `key value` lines; 0 when either is missing.
static long counter(const char *controller, const char *cgroup, const char *file, const char *key) {
    char path[512], line[256], name[128];
    long value;
    if (has_unified_groups()) snprintf(path, sizeof path, "%s/%s/%s", mount_point, cgroup, file);
    else snprintf(path, sizeof path, "%s/%s/%s/%s", mount_point, controller, cgroup, file);
    FILE *stream = fopen(path, "re");
    if (!stream) return 0;
    long found = 0;
    while (fgets(line, sizeof line, stream))
        if (sscanf(line, "%127s %ld", name, &value) == 2 && !strcmp(name, key)) found = value;
    fclose(stream);
    return found;
}

void report_cgroup(const char *cgroup) {
    long oom = counter("memory", cgroup, has_unified_groups() ? "memory.events" : "memory.oom_control", "oom_kill");
    long pids = counter("pids", cgroup, "pids.events", "max");
    if (oom > 0) report("oom %ld", oom);
    if (pids > 0) report("pids %ld", pids);
}

void thaw_cgroup(const char *cgroup) {
    char path[512];
    if (has_unified_groups()) snprintf(path, sizeof path, "%s/%s/cgroup.freeze", mount_point, cgroup);
    else snprintf(path, sizeof path, "%s/freezer/%s/freezer.state", mount_point, cgroup);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (has_unified_groups()) (void)!write(fd, "0", 1);
    else (void)!write(fd, "THAWED", 6);
    close(fd);
}

// Groups below it go first: a rootless runc makes one of its own. rmdir answers EBUSY for some milliseconds after the last exit.
static void remove_directory(const char *path) {
    const struct timespec pause = {.tv_nsec = 2000000};
    DIR *children = opendir(path);
    for (struct dirent *entry; children && (entry = readdir(children));) {
        char child[PATH_MAX];
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
        if (snprintf(child, sizeof child, "%s/%s", path, entry->d_name) < (int)sizeof child) remove_directory(child);
    }
    if (children) closedir(children);
    for (int attempt = 0; attempt < 1000 && rmdir(path) < 0 && errno == EBUSY; attempt++) nanosleep(&pause, NULL);
}

void remove_cgroup(const char *cgroup) {
    char path[512];
    if (has_unified_groups()) {
        snprintf(path, sizeof path, "%s/%s", mount_point, cgroup);
        remove_directory(path);
        return;
    }
    DIR *controllers = opendir(mount_point);
    if (!controllers) return;
    for (struct dirent *entry; (entry = readdir(controllers));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s/%s", mount_point, entry->d_name, cgroup);
        remove_directory(path);
    }
    closedir(controllers);
}
