#pragma once
#include <zlib.h>

/* The macro is not visible to Swift. 32: gzip and zlib are told apart by their first bytes. */
static inline int forge_inflate_init(z_stream *stream) { return inflateInit2(stream, MAX_WBITS + 32); }
