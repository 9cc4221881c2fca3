// TOML 1.0 with the place of every key and value, over toml++.
//
// No call crashes, throws or recurses beyond FORGE_TOML_MAX_DEPTH for any input.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A longer text is refused before it is parsed: hand-written files and lockfiles are far below.
#define FORGE_TOML_MAX_BYTES 4194304
// Values inside values, tables inside tables, and the parts of one dotted key.
#define FORGE_TOML_MAX_NESTING 32
// The same, taken together.
#define FORGE_TOML_MAX_DEPTH 64
#define FORGE_TOML_MAX_NODES 500000
// Lines that begin with a bracket, and parts of dotted keys: toml++ searches the tables they make one by one.
#define FORGE_TOML_MAX_TABLES 20000

typedef enum forge_toml_kind {
    FORGE_TOML_STRING,
    FORGE_TOML_INTEGER,
    FORGE_TOML_FLOAT,
    FORGE_TOML_BOOLEAN,
    FORGE_TOML_DATE,
    FORGE_TOML_ARRAY,
    FORGE_TOML_TABLE,
} forge_toml_kind;

// Lines and columns count from 1, columns in Unicode scalars. Text is not NUL-terminated and lives as long as its document.
typedef struct forge_toml_node {
    forge_toml_kind kind;
    uint32_t line, column;
    // Of the entry that holds this value; key is NULL for the root and for elements of an array.
    const char *key;
    size_t key_length;
    uint32_t key_line, key_column;
    // Of a string or a date.
    const char *text;
    size_t text_length;
    // Of an integer or a boolean.
    int64_t integer;
    double number;
    // How many direct children follow, each with its own descendants after it.
    size_t children;
} forge_toml_node;

typedef struct forge_toml_error {
    const char *message;
    size_t message_length;
    uint32_t line, column;
} forge_toml_error;

typedef struct forge_toml_document forge_toml_document;

// Parses `length` bytes; NULL only when memory is out. The caller frees the result.
forge_toml_document *forge_toml_parse(const uint8_t *bytes, size_t length);
// Whether the text could not be parsed; then *error is filled.
int forge_toml_failed(const forge_toml_document *document, forge_toml_error *error);
// All nodes, parents before children, the children of a table in the order of their keys in the file; the first is the root.
const forge_toml_node *forge_toml_nodes(const forge_toml_document *document, size_t *count);
void forge_toml_free(forge_toml_document *document);

#ifdef __cplusplus
}
#endif
