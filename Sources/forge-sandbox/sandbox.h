#pragma once
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

// IDS_FD and NETWORK_FD are only held: while this process lives, nobody else gets its range of ids or its interface.
enum { LIFELINE_FD = 3, REPORT_FD = 4, IDS_FD = 5, NETWORK_FD = 6 };
enum { EXIT_SETUP = 125 };

// Where everything is mounted, in a mount namespace of the sandbox's own.
#define STAGE "/run/forge/"
#define GROUPS "/sys/fs/cgroup"

struct request {
    unsigned long base, count;  // host ids given to the sandbox: `count` from `base`
    unsigned long user;         // the id inside to which every file of the layers belongs
    const char *image;          // ext4 image that bounds the step's disk; or
    unsigned long tmpfs_bytes;  // a tmpfs of this size
    unsigned long tmpfs_inodes; // with so many files at most; 0 for the kernel's own bound
    unsigned long proxy_port;   // where Forge's proxy listens inside; 0 for no network
    int is_server;              // a deployed server: the one layer is the workspace, read-only
    const char *interface;      // a server's way out: the host's end of a veth pair; NULL for loopback only
    const char *address;        // the server's end, in a /30 with
    const char *gateway;        // the host's
    const char **layers;        // top first
    size_t layer_count;
    const char *root;           // the unpacked root file system of an image; NULL for the host's /usr
    const char *packages;       // a folder whose content is laid over the host's /usr; NULL for none
    const char **mounts;        // folders that are shown as they are
    size_t mount_count;
    const char **writables;     // folders below a server's workspace that it may write to
    size_t writable_count;
    const char *runtime;        // runc or crun
    const char *id;
    const char *cgroup;         // path below each cgroup hierarchy's root
#ifdef DEBUG
    const char *without;  // names between commas: layers to leave out, so that tests may see that it is noticed
#endif
    int has_plain_layers;       // the layers belong to `user` inside as they lie there: mounted without an id map
    int is_rootless;            // an ordinary user's: all in a user namespace in which that user is root
    unsigned long lent_users;   // the first of `count` - 1 host ids lent to that user; 0 for none
    unsigned long lent_groups;
    const char **groups;        // folders of a rootless step's control groups, which are Forge's to make
    size_t group_count;
    int is_plain;               // --unsafe-local: no container at all
    unsigned long memory_bytes, processes, file_bytes;  // its limits
};

// Always 0 in a release build, which knows no such argument.
static inline int leaves_out(const struct request *request, const char *layer) {
#ifdef DEBUG
    return request->without && strstr(request->without, layer);
#else
    (void)request, (void)layer;
    return 0;
#endif
}

void die_with_outer(int alive);
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
void die(const char *what) __attribute__((noreturn));
void lack(const char *layer, const char *what) __attribute__((noreturn));
void send_descriptor(char kind, int fd);

void prepare_network(const struct request *request);
void prepare_server_network(const struct request *request);
void raise_loopback(int socket);
void prepare_mounts(const struct request *request);
unsigned long owner_of_files(const struct request *request);
unsigned long owner_of_root(const struct request *request);
pid_t start_in_user_namespace(const struct request *request);
int run_plain(const struct request *request);
void confine_files(const char *own);
int can_id_map(const char *path);
void mount_image_root(const struct request *request);
void mount_packages(const struct request *request);
void mount_tree(const struct request *request, const char *source, const char *target);
void copy_etc(const char *root, unsigned long owner);
void run_inner(const struct request *request) __attribute__((noreturn));
void make_group_places(const struct request *request);
void finish_container(const struct request *request, pid_t container);
int succeeded(int status);
int wait_for(pid_t pid);
int has_unified_groups(void);
void hasten_groups(void);
void report_cgroup(const char *cgroup);
void thaw_cgroup(const char *cgroup);
void remove_cgroup(const char *cgroup);
void balance_weight(const char *cgroup);
const char *shown_weight(void);
const char *place_of_weight(void);
