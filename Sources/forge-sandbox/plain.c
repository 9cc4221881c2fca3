// `--unsafe-local`: a step as a plain child process, for machines on which no sandbox can be had. What still holds: an environment and
// descriptors of its own, no_new_privs, an id of its own where Forge runs as root, Landlock where the kernel has it, limits by
// setrlimit and by looking, and that nothing it starts outlives it.
#define _GNU_SOURCE
#include "sandbox.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// What to run, as it came on standard input: working directory, number of arguments, arguments, variables, each NUL-terminated.
struct command {
    char *directory;
    char **arguments;
    char **environment;
};

static char *read_all(size_t *size) {
    char *text = NULL;
    size_t capacity = 0;
    *size = 0;
    for (;;) {
        if (capacity - *size < 65536 && !(text = realloc(text, capacity += 1 << 17))) die("allocate");
        ssize_t n = read(0, text + *size, capacity - *size - 1);
        if (n < 0) die("read the command");
        if (n == 0) break;
        *size += (size_t)n;
    }
    text[*size] = 0;
    return text;
}

static struct command receive_command(void) {
    size_t size, words = 0;
    char *text = read_all(&size);
    for (size_t i = 0; i < size; i++) words += !text[i];
    char **list = calloc(words + 3, sizeof *list);
    if (!list || words < 3) die("the command");
    size_t index = 0;
    for (char *at = text; index < words; at += strlen(at) + 1) list[index++] = at;
    size_t count = strtoul(list[1], NULL, 10);
    if (count < 1 || count + 2 > words) die("the command");
    // Room for the arguments' end: the variables move up by one.
    memmove(list + count + 3, list + count + 2, (words - count - 2) * sizeof *list);
    list[count + 2] = NULL;
    list[words + 1] = NULL;
    return (struct command){list[0], list + 2, list + count + 3};
}

static void limit(int resource, unsigned long most) {
    struct rlimit limits;
    if (getrlimit(resource, &limits) < 0) die("getrlimit");
    if (limits.rlim_max == RLIM_INFINITY || limits.rlim_max > most) limits.rlim_max = most;
    limits.rlim_cur = limits.rlim_max;
    if (setrlimit(resource, &limits) < 0) die("setrlimit");
}

static void run_command(const struct request *request, const struct command *command, int alive) {
    setsid();
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0) die("/dev/null");
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 65536);
    limit(RLIMIT_DATA, request->memory_bytes);
    limit(RLIMIT_FSIZE, request->file_bytes);
    if (request->base) {
        gid_t id = (gid_t)(request->base + request->user);
        // Counted for each id, and this one is the step's alone. A little more than is allowed, so that a census can see it.
        limit(RLIMIT_NPROC, request->processes + 16);
        if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0) die("take an id of its own");
    }
    // Not before: the kernel forgets the wish when ids change.
    die_with_outer(alive);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) die("no_new_privs");
    confine_files(".");
    umask(022);
    if (chdir(command->directory) < 0) die(command->directory);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
    execvpe(command->arguments[0], command->arguments, command->environment);
    dprintf(2, "%s: %s\n", command->arguments[0], strerror(errno));
    _exit(127);
}

// One look at what descends from this process.
struct census {
    unsigned long processes, bytes;
};

static int parent_and_size(int pid, int *parent, unsigned long *bytes) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    size_t n = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[n] = 0;
    char *end = strrchr(line, ')');
    long pages = 0;
    if (!end || sscanf(end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %ld", parent, &pages) != 2)
        return 0;
    *bytes = (unsigned long)pages * (unsigned long)sysconf(_SC_PAGESIZE);
    return 1;
}

// Counts them, and sends each `signal` unless it is 0. Who is started meanwhile is met at the next look.
static struct census look(int signal) {
    enum { MOST = 65536 };
    static int pids[MOST], parents[MOST];
    static unsigned long sizes[MOST];
    static char is_ours[MOST];
    size_t count = 0;
    struct census census = {0, 0};
    DIR *directory = opendir("/proc");
    if (!directory) die("/proc");
    for (struct dirent *entry; (entry = readdir(directory)) && count < MOST;) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && parent_and_size(pid, &parents[count], &sizes[count])) pids[count++] = pid;
    }
    closedir(directory);
    memset(is_ours, 0, count);
    for (int is_new = 1; is_new;) {
        is_new = 0;
        for (size_t i = 0; i < count; i++) {
            if (is_ours[i]) continue;
            int ours = parents[i] == getpid();
            for (size_t j = 0; !ours && j < count; j++) ours = is_ours[j] && pids[j] == parents[i];
            if (!ours) continue;
            is_ours[i] = 1;
            is_new = 1;
            census.processes++;
            census.bytes += sizes[i];
            if (signal) kill(pids[i], signal);
        }
    }
    return census;
}

// Everything is this process's child in the end, for it adopts orphans.
static void end_all(void) {
    for (;;) {
        look(SIGKILL);
        int status;
        pid_t ended;
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {}
        if (ended < 0 && errno == ECHILD) return;
        const struct timespec pause = {.tv_nsec = 2000000};
        nanosleep(&pause, NULL);
    }
}

// Whether there are too many of them, or they take too much; it is reported.
static int is_too_much(const struct request *request) {
    struct census census = look(0);
    if (census.processes > request->processes) report("pids %lu", census.processes);
    else if (census.bytes > request->memory_bytes) report("oom %lu", census.bytes);
    else return 0;
    return 1;
}

// Until the command has ended (its status) or had to be ended (-1); also when the guard is gone, of which `alive` tells.
static int watch_command(const struct request *request, pid_t child, int alive) {
    struct pollfd guard = {.fd = alive};
    for (;;) {
        int status;
        for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (ended != child) continue;
            // Who could not start another process has often given up by now.
            if (status != 0) is_too_much(request);
            return status;
        }
        if (poll(&guard, 1, 50) > 0 || is_too_much(request)) return -1;
    }
}

// The output ends with its last writer, which is neither the guard nor the keeper.
static void let_go_of_streams(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
}

// A child that can tell by `alive` when this process is gone: the other end stays open as long as it lives.
static pid_t fork_with_life(int *alive) {
    int life[2];
    if (pipe2(life, O_CLOEXEC) < 0) die("pipe");
    pid_t child = fork();
    if (child < 0) die("fork");
    close(life[child > 0 ? 0 : 1]);
    *alive = life[0];
    return child;
}

static void adopt_orphans(void) {
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) die("prctl");
}

static void keep(const struct request *request, const struct command *command, int alive) {
    int alive_keeper;
    adopt_orphans();
    pid_t child = fork_with_life(&alive_keeper);
    if (child == 0) run_command(request, command, alive_keeper);
    let_go_of_streams();
    int status = watch_command(request, child, alive);
    end_all();
    if (status == -1) report("killed");
    else if (WIFSIGNALED(status)) report("signal %d", WTERMSIG(status));
    else report("exit %d", WEXITSTATUS(status));
    _exit(0);
}

// Until the keeper has ended; a closed lifeline ends it.
static void watch_keeper(pid_t keeper) {
    int pidfd = (int)syscall(SYS_pidfd_open, keeper, 0);
    if (pidfd < 0) die("pidfd_open");  // the keeper ends all then
    struct pollfd watched[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = LIFELINE_FD, .events = POLLIN}};
    while (!watched[0].revents && !watched[1].revents) poll(watched, 2, -1);
    if (watched[0].revents) return;
    kill(keeper, SIGKILL);
    report("killed");
}

// Process tree:  forge ─► guard (watches the lifeline)
//                          └─► keeper (watches the limits)
//                                └─► the command, and what it starts; its orphans are the keeper's, and the guard's after it
// Where there is no PID namespace, one process alone cannot promise to take everything with it: it might be killed. Of these two the one
// that is left ends all the rest.
int run_plain(const struct request *request) {
    struct command command = receive_command();
    int alive_guard;
    adopt_orphans();
    pid_t keeper = fork_with_life(&alive_guard);
    if (keeper == 0) keep(request, &command, alive_guard);
    let_go_of_streams();
    watch_keeper(keeper);
    end_all();
    return 0;
}
