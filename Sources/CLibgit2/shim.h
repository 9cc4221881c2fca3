#pragma once
#include <git2.h>

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
