#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

// libarchive turns names into a pax header's UTF-8 by way of the locale's character set. A locale of the calling thread
// makes the result the same whatever LANG says, and leaves the process's own locale alone.
static inline locale_t forge_locale_enter(locale_t *made) {
    *made = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return *made ? uselocale(*made) : (locale_t)0;
}
static inline void forge_locale_leave(locale_t made, locale_t former) {
    if (!made) return;
    uselocale(former);
    freelocale(made);
}
