#define _GNU_SOURCE
#include "forge_network.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int wait_for(int fd, short events, int milliseconds) {
    struct pollfd entry = {.fd = fd, .events = events};
    int count;
    do count = poll(&entry, 1, milliseconds);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int forge_wait_readable(int fd, int milliseconds) { return wait_for(fd, POLLIN, milliseconds); }
int forge_wait_writable(int fd, int milliseconds) { return wait_for(fd, POLLOUT, milliseconds); }

static int try_address(const struct addrinfo *address, int milliseconds) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    int error = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        socklen_t length = sizeof error;
        int ready = wait_for(fd, POLLOUT, milliseconds);
        if (ready < 0) error = -ready;
        else if (ready == 0) error = ETIMEDOUT;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
    }
    if (!error && fcntl(fd, F_SETFL, 0) < 0) error = errno;
    if (!error) return fd;
    close(fd);
    return -error;
}

int forge_connect_tcp(const char *host, const char *port, int milliseconds) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses;
    if (getaddrinfo(host, port, &hints, &addresses)) return -EADDRNOTAVAIL;
    int result = -EADDRNOTAVAIL;
    for (struct addrinfo *each = addresses; each && result < 0; each = each->ai_next) result = try_address(each, milliseconds);
    freeaddrinfo(addresses);
    return result;
}

// Leaves the other namespace in every case: a thread that stayed there would make all its later sockets in a stranger's network.
static int enter(int netns) { return setns(netns, CLONE_NEWNET) < 0 ? -errno : 0; }
static void leave(int home) {
    if (setns(home, CLONE_NEWNET) < 0) abort();
}

int forge_socket_in_namespace(int home, int netns) {
    int entered = enter(netns);
    if (entered < 0) return entered;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = fd < 0 ? -errno : fd;
    leave(home);
    return result;
}

int forge_open_in_namespace(int home, int netns, const char *path) {
    int entered = enter(netns);
    if (entered < 0) return entered;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int result = fd < 0 ? -errno : fd;
    leave(home);
    return result;
}

int forge_connect_in_namespace(int home, int netns, uint16_t port, int *pending) {
    int fd = forge_socket_in_namespace(home, netns);
    if (fd < 0) return fd;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int error = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : -errno;
    // Loopback has answered by now, but the answer is taken up only after `connect` has let go of the socket.
    if (error == -EINPROGRESS) error = forge_finish_connecting(fd, 0);
    *pending = error == -ETIMEDOUT;
    if (!error || *pending) return fd;
    close(fd);
    return error;
}

int forge_finish_connecting(int fd, int milliseconds) {
    int error = 0, ready = wait_for(fd, POLLOUT, milliseconds);
    socklen_t length = sizeof error;
    if (ready < 0) return ready;
    if (ready == 0) return -ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? -errno : -error;
}
