// forge-sandbox: prepares the mounts of one step or server in a private mount and PID namespace and runs an OCI bundle there.
//
// In plain C, single-threaded and without a runtime of its own, because namespaces cannot be entered safely from a
// threaded process. Forge starts it in the sandbox's run directory with
//   0  the bundle's config.json, to its end: it holds variables that are to touch no disk
//   3  lifeline: when its other end closes (Forge died, was interrupted, or a limit was hit) everything here is killed
//   4  report:   messages that carry a descriptor, then one line per finding. Of a step: the proxy's listening socket (N), where
//                there is a network, and the overlay's upper directory (U). Of a server: its network namespace (S) and its first
//                process (P, a pidfd); the line `running` once its command runs
//   5  the lock on the sandbox's range of ids, to be held
//   6  the same on a server's interface, where it has one
// Process tree:  forge ─► outer (watches the lifeline, removes the cgroup)
//                          └─► inner, init of a new PID namespace: its death is the death of all below
//                                └─► OCI runtime ─► the step or server
#define _GNU_SOURCE
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long number(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || !*text) {
        errno = EINVAL;
        die(text);
    }
    return value;
}

static struct request parse(int argc, char **argv) {
    struct request request = {.layers = calloc((size_t)argc + 1, sizeof(char *)), .groups = calloc((size_t)argc + 1, sizeof(char *))};
    request.mounts = calloc((size_t)argc + 1, sizeof(char *));
    request.writables = calloc((size_t)argc + 1, sizeof(char *));
    if (!request.layers || !request.groups || !request.mounts || !request.writables) die("allocate");
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *key = argv[i], *value = argv[i + 1];
        if (!strcmp(key, "--base")) request.base = number(value);
        else if (!strcmp(key, "--count")) request.count = number(value);
        else if (!strcmp(key, "--user")) request.user = number(value);
        else if (!strcmp(key, "--image")) request.image = value;
        else if (!strcmp(key, "--tmpfs")) request.tmpfs_bytes = number(value);
        else if (!strcmp(key, "--inodes")) request.tmpfs_inodes = number(value);
        else if (!strcmp(key, "--network")) request.proxy_port = number(value);
        else if (!strcmp(key, "--mode")) request.is_server = !strcmp(value, "server");
        else if (!strcmp(key, "--interface")) request.interface = value;
        else if (!strcmp(key, "--address")) request.address = value;
        else if (!strcmp(key, "--gateway")) request.gateway = value;
        else if (!strcmp(key, "--layer")) request.layers[request.layer_count++] = value;
        else if (!strcmp(key, "--root")) request.root = value;
        else if (!strcmp(key, "--packages")) request.packages = value;
        else if (!strcmp(key, "--mount")) request.mounts[request.mount_count++] = value;
        else if (!strcmp(key, "--writable")) request.writables[request.writable_count++] = value;
        else if (!strcmp(key, "--runtime")) request.runtime = value;
        else if (!strcmp(key, "--id")) request.id = value;
        else if (!strcmp(key, "--cgroup")) request.cgroup = value;
#ifdef DEBUG
        else if (!strcmp(key, "--without")) request.without = value;
#endif
        else if (!strcmp(key, "--plain-layers")) request.has_plain_layers = number(value) != 0;
        else if (!strcmp(key, "--rootless")) request.is_rootless = number(value) != 0;
        else if (!strcmp(key, "--lent-users")) request.lent_users = number(value);
        else if (!strcmp(key, "--lent-groups")) request.lent_groups = number(value);
        else if (!strcmp(key, "--group")) request.groups[request.group_count++] = value;
        else if (!strcmp(key, "--plain")) request.is_plain = number(value) != 0;
        else if (!strcmp(key, "--memory")) request.memory_bytes = number(value);
        else if (!strcmp(key, "--processes")) request.processes = number(value);
        else if (!strcmp(key, "--file-size")) request.file_bytes = number(value);
        else {
            errno = EINVAL;
            die(key);
        }
    }
    if (request.is_plain) return request;
    int is_complete = request.runtime && request.id && request.cgroup && request.count;
    if (request.is_server && request.layer_count != 1) is_complete = 0;
    if (request.interface && !(request.is_server && request.address && request.gateway)) is_complete = 0;
    if (!is_complete) {
        errno = EINVAL;
        die("arguments");
    }
    return request;
}

// Waits until the inner process ends; a closed lifeline kills it first. Returns its wait status. What a server weighs is left alone.
static int watch(pid_t inner, const struct request *request) {
    int pidfd = (int)syscall(SYS_pidfd_open, inner, 0);
    if (pidfd < 0) die("pidfd_open");
    struct pollfd watched[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = LIFELINE_FD, .events = POLLIN}};
    int is_killed = 0;
    for (;;) {
        if (poll(watched, 2, is_killed ? 20 : request->is_server ? -1 : 100) < 0 && errno != EINTR) die("poll");
        if (watched[0].revents) break;
        if (watched[1].revents) {
            is_killed = 1;
            watched[1].fd = -1;
        }
        if (!is_killed) {
            balance_weight(request->cgroup);
            continue;
        }
        kill(inner, SIGKILL);
        thaw_cgroup(request->cgroup);  // v1 keeps a frozen process from dying; again and again, for someone may be freezing it right now
    }
    int status = 0;
    while (waitpid(inner, &status, 0) < 0 && errno == EINTR) {}
    return status;
}

// Should the outer process be killed, its child must not outlive it; not when that has happened already, either, which the kernel tells
// nobody who asks too late. `alive` reads from a pipe that only the outer process writes to.
void die_with_outer(int alive) {
    struct pollfd watched = {.fd = alive};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) die("prctl");
    if (poll(&watched, 1, 0) != 0) _exit(EXIT_SETUP);
    close(alive);
}

static pid_t start_inner(const struct request *request) {
    int life[2];
    if (pipe2(life, O_CLOEXEC) < 0) die("pipe");
    pid_t inner = (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
    if (inner < 0) lack("namespaces", "make mount and process namespaces");
    close(life[inner > 0 ? 0 : 1]);
    if (inner > 0) return inner;  // the other end stays open as long as this process lives
    die_with_outer(life[0]);
    run_inner(request);
}

// The runtime loads the step's filter when all else is done, and would blame the step. A kernel that has filters looks for the program
// first, and finds none at address 0.
static void require_filters(void) {
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL) < 0 && errno != EFAULT) lack("seccomp", "load a filter");
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "--can-id-map")) return can_id_map(argv[2]);
    struct request request = parse(argc, argv);
    // Ctrl-C is Forge's to handle: it closes the lifeline.
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    // Whoever started this may be a thread in a hurry; what a stranger runs is not.
    if (getpriority(PRIO_PROCESS, 0) < 0) setpriority(PRIO_PROCESS, 0, 0);
    if (request.is_plain) return run_plain(&request);
    require_filters();
    pid_t inner = request.is_rootless ? start_in_user_namespace(&request) : start_inner(&request);
    if (!request.is_rootless) hasten_groups();
    int status = watch(inner, &request);
    remove_cgroup(request.cgroup);
    if (WIFSIGNALED(status)) report("killed");
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SETUP;
}
