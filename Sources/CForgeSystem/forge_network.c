#define _GNU_SOURCE
#include "forge_network.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
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
