// Sockets for Swift. -errno on failure.
#pragma once
#include <stdint.h>

/// A connected TCP socket to the first address of `host` that answers; each is waited for at most `milliseconds`.
/// -EADDRNOTAVAIL when the name is not known.
int forge_connect_tcp(const char *host, const char *port, int milliseconds);
/// Waits until `fd` can be read: 1, or 0 when nothing came within `milliseconds`.
int forge_wait_readable(int fd, int milliseconds);
/// The same for writing.
int forge_wait_writable(int fd, int milliseconds);

/// A non-blocking TCP socket of the network namespace `netns`. `home` is the calling process's own namespace, to which the
/// thread is back when this returns; the process is aborted should that fail.
int forge_socket_in_namespace(int home, int netns);
/// Opens `path` for reading as seen from `netns`: below /proc/thread-self/net every namespace has its own.
int forge_open_in_namespace(int home, int netns, const char *path);
/// A non-blocking socket of `netns`, connected to 127.0.0.1:`port` there; `*pending` when it is still connecting.
int forge_connect_in_namespace(int home, int netns, uint16_t port, int *pending);
/// Waits until a connecting socket is connected; -ETIMEDOUT when it still is not after `milliseconds`.
int forge_finish_connecting(int fd, int milliseconds);
