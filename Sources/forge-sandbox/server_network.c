// A server's network: a namespace with loopback, through which Forge reaches it (it makes its sockets in there), and, where it
// may call others, one end of a veth pair. What may pass between the pair and the rest is the firewall's to say, which Forge
// has put in place before.
//
// Like a step's, the namespace belongs to the host's user namespace: nobody inside may configure it.
#define _GNU_SOURCE
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int own_namespace(void) {
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd < 0) die("/proc/self/ns/net");
    return fd;
}

static void enter(int namespace) {
    if (setns(namespace, CLONE_NEWNET) < 0) die("enter a network namespace");
}

// A kernel setting; a kernel without IPv6 has none for it.
static void set(const char *path, const char *value) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return;
    if (fd < 0 || write(fd, value, strlen(value)) < 0) die(path);
    close(fd);
}

static void set_for(const char *interface, const char *family, const char *key, const char *value) {
    char path[160];
    snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, interface, key);
    set(path, value);
}

// Becomes `ip -batch -` on `input`; what it complains about goes into the run directory.
static void become_ip(int input) {
    static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    static const char *const places[] = {"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"};
    char *const arguments[] = {"ip", "-batch", "-", NULL};
    int log = open("network.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (dup2(input, 0) < 0 || (log >= 0 && dup2(log, 2) < 0)) _exit(127);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) execve(places[i], arguments, environment);
    _exit(127);
}

// Runs `commands` in the namespace this process is in; `kept` stays open for them.
static void run_ip(const char *commands, int kept) {
    int ends[2], status = 0;
    if (pipe2(ends, O_CLOEXEC) < 0 || write(ends[1], commands, strlen(commands)) < 0) die("pipe");
    close(ends[1]);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        if (kept >= 0) fcntl(kept, F_SETFD, 0);
        close(LIFELINE_FD);
        close(REPORT_FD);
        become_ip(ends[0]);
    }
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) die("waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    errno = EIO;
    die("`ip` could not make the server's network");
}

// One end here in the host's namespace, the other, called eth0, in `inside`.
static void make_pair(const struct request *request, int inside) {
    char commands[512];
    const char *name = request->interface;
    snprintf(commands, sizeof commands, "link add name %s type veth peer name eth0 netns /proc/self/fd/%d\naddress add %s/30 dev %s\n",
             name, inside, request->gateway, name);
    run_ip(commands, inside);
    set_for(name, "ipv6", "disable_ipv6", "1");
    set_for(name, "ipv4", "forwarding", "1");
    set_for(name, "ipv4", "rp_filter", "1");
    snprintf(commands, sizeof commands, "link set dev %s up\n", name);
    run_ip(commands, -1);
}

static void configure_inside(const struct request *request) {
    char commands[512];
    snprintf(commands, sizeof commands, "address add %s/30 dev eth0\nlink set dev eth0 up\nroute add default via %s dev eth0\n",
             request->address, request->gateway);
    run_ip(commands, -1);
}

void prepare_server_network(const struct request *request) {
    int outside = own_namespace();
    if (unshare(CLONE_NEWNET) < 0) die("make a network namespace");
    int inside = own_namespace(), any = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (any < 0) die("make a socket");
    raise_loopback(any);
    close(any);
    if (request->interface) {
        set_for("default", "ipv6", "disable_ipv6", "1");
        enter(outside);
        make_pair(request, inside);
        enter(inside);
        configure_inside(request);
    }
    send_descriptor('S', inside);
    close(inside);
    close(outside);
}
