#pragma once
#include <git2.h>
#include <git2/sys/transport.h>

#if LIBGIT2_VER_MAJOR < 1 || (LIBGIT2_VER_MAJOR == 1 && LIBGIT2_VER_MINOR < 8)
#error "Forge needs libgit2 1.8 or newer (shallow fetch): install libgit2-dev from bookworm-backports, as `make setup` does."
#endif

// git_libgit2_opts is variadic, which Swift cannot call.
static inline int forge_git_set_search_path(int level, const char *path) {
    return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, path);
}
static inline int forge_git_set_owner_validation(int enabled) {
    return git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, enabled);
}
static inline int forge_git_set_server_timeouts(int connect_ms, int idle_ms) {
    int result = git_libgit2_opts(GIT_OPT_SET_SERVER_CONNECT_TIMEOUT, connect_ms);
    return result < 0 ? result : git_libgit2_opts(GIT_OPT_SET_SERVER_TIMEOUT, idle_ms);
}
static inline int forge_git_set_pack_limit(size_t objects) { return git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, objects); }
static inline int forge_git_set_certificates(const char *file, const char *folder) {
    return git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, file, folder);
}

// libgit2 hands back the pointer to the first member; what is ours follows it.
typedef struct {
    git_smart_subtransport parent;
    void *owner;
} forge_subtransport;
typedef struct {
    git_smart_subtransport_stream parent;
    void *owner;
} forge_subtransport_stream;
