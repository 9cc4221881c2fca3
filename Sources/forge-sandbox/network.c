// A step's network: a namespace with nothing but loopback, and one listening socket in it that Forge's proxy accepts on.
//
// The namespace is made here, in the host's user namespace, and the runtime joins it by path: nobody in the step's own user
// namespace, not even its root, may configure it. A socket belongs to the namespace it was made in, so handing it out needs
// no forwarder inside; abstract unix sockets belong to the namespace too, so the host's cannot be reached.
#define _GNU_SOURCE
#include "sandbox.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

void raise_loopback(int socket) {
    struct ifreq interface = {.ifr_flags = IFF_UP};
    strcpy(interface.ifr_name, "lo");
    if (ioctl(socket, SIOCSIFFLAGS, &interface) < 0) die("bring loopback up");
}

static void prepare_proxy(const struct request *request) {
    if (unshare(CLONE_NEWNET) < 0) lack("namespaces", "make a network namespace");
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) die("make the proxy's socket");
    raise_loopback(listener);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((in_port_t)request->proxy_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die("bind the proxy's socket");
    if (listen(listener, 256) < 0) die("listen on the proxy's socket");
    send_descriptor('N', listener);
    close(listener);
}

void prepare_network(const struct request *request) {
    if (request->is_server) prepare_server_network(request);
    else if (request->proxy_port) prepare_proxy(request);
}
