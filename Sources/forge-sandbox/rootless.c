// An ordinary user's sandbox: one user namespace around everything, in which that user is root and what root does elsewhere can be
// done. The container's own user namespace lies in it, so nobody inside has a right over the mounts and the network out here.
//
//   host                     this namespace      the container
//   the user                 0                   1000, `build`
//   lent … lent + 65534      1 … 65535           0 … 999, 1001 … 65535; without lent ids there is no other
#define _GNU_SOURCE
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_to(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) lack("user-namespaces", path);
    close(fd);
}

// The user itself and nobody else, which needs no one's help.
static void map_one(pid_t child) {
    char path[64], map[64];
    snprintf(path, sizeof path, "/proc/%d/setgroups", child);
    write_to(path, "deny");
    snprintf(path, sizeof path, "/proc/%d/uid_map", child);
    snprintf(map, sizeof map, "0 %u 1", getuid());
    write_to(path, map);
    snprintf(path, sizeof path, "/proc/%d/gid_map", child);
    snprintf(map, sizeof map, "0 %u 1", getgid());
    write_to(path, map);
}

static void map_lent(const char *program, pid_t child, unsigned long own, unsigned long lent, unsigned long count) {
    char pid[24], id[24], first[24], rest[24];
    snprintf(pid, sizeof pid, "%d", child);
    snprintf(id, sizeof id, "%lu", own);
    snprintf(first, sizeof first, "%lu", lent);
    snprintf(rest, sizeof rest, "%lu", count - 1);
    pid_t mapper = fork();
    if (mapper < 0) die("fork");
    if (mapper == 0) {
        const char *argv[] = {program, pid, "0", id, "1", "1", first, rest, NULL};
        char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
        execve(program, (char *const *)argv, environment);
        _exit(127);
    }
    int status;
    while (waitpid(mapper, &status, 0) < 0)
        if (errno != EINTR) die("waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    errno = EPERM;
    lack("ids", program);
}

// Before it has started anything: whoever it starts is in the groups too.
static void put_into_groups(const struct request *request, pid_t child) {
    char pid[24], path[4096];
    snprintf(pid, sizeof pid, "%d", child);
    for (size_t i = 0; i < request->group_count; i++) {
        snprintf(path, sizeof path, "%s/cgroup.procs", request->groups[i]);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, pid, strlen(pid)) < 0) lack("cgroups", path);
        close(fd);
    }
}

pid_t start_in_user_namespace(const struct request *request) {
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) < 0) die("pipe");
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (child < 0) lack("user-namespaces", "make one");
    if (child == 0) {
        char byte;
        close(gate[1]);
        // Nothing comes when the outer process found something missing and died.
        if (read(gate[0], &byte, 1) != 1) _exit(EXIT_SETUP);
        die_with_outer(gate[0]);
        run_inner(request);
    }
    close(gate[0]);
    put_into_groups(request, child);
    if (request->lent_users) {
        map_lent("/usr/bin/newuidmap", child, getuid(), request->lent_users, request->count);
        map_lent("/usr/bin/newgidmap", child, getgid(), request->lent_groups, request->count);
    } else {
        map_one(child);
    }
    if (write(gate[1], "", 1) != 1) die("pipe");  // which stays open as long as this process lives
    return child;
}
