// The init of the sandbox's outer PID namespace: mounts, then create, start and wait for the OCI container.
#define _GNU_SOURCE
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define PID_FILE STAGE "pid"
#define BUNDLE STAGE "bundle"

static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};

// Starts `runtime --root … --log … verb …` and returns its pid. Only `create` hands its output on, to the container.
static pid_t start_runtime(const struct request *request, const char *verb, int with_output) {
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid > 0) return pid;
    if (!with_output) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
    }
    close(LIFELINE_FD);
    close(REPORT_FD);
    close(IDS_FD);
    if (request->interface) close(NETWORK_FD);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    // Absolute, because crun changes into the bundle before it opens them.
    char here[3072], log[4096];
    if (!getcwd(here, sizeof here)) _exit(127);
    snprintf(log, sizeof log, "%s/runtime.log", here);
    const char *create[] = {request->runtime, "--root", STAGE "state", "--log", log, "create", "--bundle", BUNDLE, "--pid-file", PID_FILE,
                            request->id, NULL};
    const char *other[] = {request->runtime, "--root", STAGE "state", "--log", log, verb, request->id, NULL};
    execve(request->runtime, (char *const *)(with_output ? create : other), environment);
    _exit(127);
}

// /dev/null, but an inode of the sandbox's own: runtimes give the standard streams to the user inside, and whoever owns the host's
// /dev/null can take it from everybody (chmod). Without the right to make devices, nobody can give the host's away either.
static int open_null(void) {
    if (mkdir(STAGE "input", 0700) < 0 || mount("forge", STAGE "input", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=4k,nr_inodes=8") < 0)
        die(STAGE "input");
    if (mkdir(STAGE "input/dev", 0755) < 0) die(STAGE "input/dev");
    if (mknod(STAGE "input/dev/null", S_IFCHR | 0444, makedev(1, 3)) < 0) return open("/dev/null", O_RDONLY | O_CLOEXEC);
    return open(STAGE "input/dev/null", O_RDONLY | O_CLOEXEC);
}

// Lays the configuration that came on standard input where the runtime reads it: on the stage, which is memory. Nothing comes
// after it.
static void receive_configuration(void) {
    char buffer[65536];
    if (mkdir(BUNDLE, 0700) < 0) die(BUNDLE);
    int file = open(BUNDLE "/config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) die("config.json");
    for (ssize_t n; (n = read(0, buffer, sizeof buffer)) != 0;)
        if (n < 0 || write(file, buffer, (size_t)n) != n) die("config.json");
    close(file);
    int null = open_null();
    if (null < 0 || dup2(null, 0) < 0) die("/dev/null");
    close(null);
}

int succeeded(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) die("waitpid");
    return status;
}

static pid_t container_pid(void) {
    FILE *file = fopen(PID_FILE, "re");
    int pid = 0;
    if (!file || fscanf(file, "%d", &pid) != 1 || pid <= 1) {
        errno = ESRCH;
        die("the runtime left no pid");
    }
    fclose(file);
    return pid;
}

// So that Forge may signal the server's first process, whatever its number is there.
static void send_process(pid_t container) {
    int pidfd = (int)syscall(SYS_pidfd_open, container, 0);
    if (pidfd < 0) die("pidfd_open");
    send_descriptor('P', pidfd);
    close(pidfd);
}

// Reaps everything until the container's init has ended; both may end in either order.
static int reap_until_gone(pid_t runtime, pid_t container, int *runtime_status) {
    int status, container_status = -1, runtime_gone = 0;
    while (container_status == -1 || !runtime_gone) {
        pid_t ended = waitpid(-1, &status, 0);
        if (ended < 0) {
            if (errno == EINTR) continue;
            break;
        }
        if (ended == runtime) {
            *runtime_status = status;
            runtime_gone = 1;
            if (!succeeded(status)) break;  // never started: what waits dies with this process
            report("running");
        }
        if (ended == container) container_status = status;
    }
    return container_status;
}

void run_inner(const struct request *request) {
    prepare_network(request);
    prepare_mounts(request);
    receive_configuration();
    if (!succeeded(wait_for(start_runtime(request, "create", 1)))) {
        report("runtime create");
        _exit(EXIT_SETUP);
    }
    pid_t container = container_pid();
    finish_container(request, container);
    if (request->is_server) send_process(container);
    // Only the command may hold the output pipes from here on, so that they close when it ends.
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), runtime_status = 0;
    dup2(null, 1);
    dup2(null, 2);
    report("started");
    int status = reap_until_gone(start_runtime(request, "start", 0), container, &runtime_status);
    if (status == -1) {
        report("runtime start");
        _exit(EXIT_SETUP);
    }
    report_cgroup(request->cgroup);
    if (WIFSIGNALED(status)) report("signal %d", WTERMSIG(status));
    else report("exit %d", WEXITSTATUS(status));
    // No `delete`, which would take as long as `start`: the container's files lie in memory that dies with this process, as all of its
    // namespaces do, and its cgroups are removed by the outer process.
    _exit(0);
}
