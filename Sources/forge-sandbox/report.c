// What the sandbox tells Forge over its report socket.
#define _GNU_SOURCE
#include "sandbox.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void report(const char *format, ...) {
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
    line[length++] = '\n';
    for (int at = 0; at < length;) {
        ssize_t n = send(REPORT_FD, line + at, (size_t)(length - at), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return;
        at += (int)n;
    }
}

void die(const char *what) {
    report("error %s: %s", what, strerror(errno));
    _exit(EXIT_SETUP);
}

// A layer of the sandbox is not to be had; `layer` is the end of the error's code.
void lack(const char *layer, const char *what) {
    report("missing %s %s: %s", layer, what, strerror(errno));
    _exit(EXIT_SETUP);
}

void send_descriptor(char kind, int fd) {
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&kind, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(REPORT_FD, &message, MSG_NOSIGNAL) < 0) die("send a descriptor");
}
