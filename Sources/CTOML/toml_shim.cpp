#include "forge_toml.h"

// toml++'s own checks stay on in release builds and become an error instead of an abort: they do fail, for
// `[[[` and `2026-07-01T:` among others.
#undef NDEBUG
namespace {
struct failed_check_error {};
[[noreturn]] void failed_check();
}  // namespace
#define TOML_ASSERT(expression) ((expression) ? static_cast<void>(0) : failed_check())
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_MAX_NESTED_VALUES FORGE_TOML_MAX_NESTING
#define TOML_ENABLE_FORMATTERS 0
#include <algorithm>
#include <deque>
#include <new>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>
#include <toml++/toml.h>

namespace {

void failed_check() { throw failed_check_error{}; }

struct syntax_error {
    std::string message;
    toml::source_position position;
};

void advance(toml::source_position &position, char byte) {
    if (byte == '\n') {
        position.line += 1;
        position.column = 1;
    } else if ((static_cast<unsigned char>(byte) & 0xC0) != 0x80) {
        position.column += 1;
    }
}

// Looks at keys and table headers before toml++ does, since some texts cost it too much. It makes one table per part of a
// dotted key and destroys them recursively, so a key of a million parts would exhaust the stack; and it searches all
// tables made so far for some new ones. Ahead of the first syntax error this sees the same tokens as toml++.
class key_check {
    std::string_view text;
    size_t at = 0;
    toml::source_position position{1, 1};
    int dots = 0;
    int tables = 0;
    bool at_line_start = true;

    bool has(std::string_view prefix) const { return text.substr(at, prefix.size()) == prefix; }

    void step() { advance(position, text[at++]); }

    void skip(size_t count) { while (count-- > 0 && at < text.size()) step(); }

    void skip_comment() { while (at < text.size() && text[at] != '\n') step(); }

    void skip_string(std::string_view quote, bool escapes) {
        at_line_start = false;
        skip(quote.size());
        while (at < text.size() && !has(quote)) {
            if (quote.size() == 1 && text[at] == '\n') return;  // toml++ refuses it
            skip(escapes && text[at] == '\\' ? 2 : 1);
        }
        skip(quote.size());
        while (quote.size() == 3 && at < text.size() && text[at] == quote[0]) step();  // `""""` ends in a quote
    }

    void punctuation() {
        const char byte = text[at];
        if (byte == '.' && ++dots >= FORGE_TOML_MAX_NESTING) {
            throw syntax_error{"a key has more than " + std::to_string(FORGE_TOML_MAX_NESTING) + " parts", position};
        }
        if (byte == '=') tables += dots;
        if (byte == '[' && at_line_start) tables += 1;
        if (tables > FORGE_TOML_MAX_TABLES) throw syntax_error{"the file holds too many tables", position};
        if (std::string_view("\n=,[]{}").find(byte) != std::string_view::npos) dots = 0;
        at_line_start = byte == '\n' || (at_line_start && (byte == ' ' || byte == '\t'));
        step();
    }

public:
    explicit key_check(std::string_view text) : text(text) {}

    void run() {
        while (at < text.size()) {
            if (has("#")) skip_comment();
            else if (has("\"\"\"")) skip_string("\"\"\"", true);
            else if (has("'''")) skip_string("'''", false);
            else if (has("\"")) skip_string("\"", true);
            else if (has("'")) skip_string("'", false);
            else punctuation();
        }
    }
};

}  // namespace

static bool fails_check(std::string_view text) {
    try {
        static_cast<void>(toml::parse(text));
    } catch (const failed_check_error &) {
        return true;
    } catch (const toml::parse_error &) {
    }
    return false;
}

// A failed check knows no place. toml++ stops at the first fault, so the byte at fault ends the shortest failing prefix.
static toml::source_position place_of_failed_check(std::string_view text) {
    size_t passing = 0, failing = text.size();
    while (failing - passing > 1) {
        const size_t middle = passing + (failing - passing) / 2;
        (fails_check(text.substr(0, middle)) ? failing : passing) = middle;
    }
    toml::source_position position{1, 1};
    for (const char byte : text.substr(0, passing)) advance(position, byte);
    return position;
}

// `Error while parsing string: …` in our words.
static std::string wording(std::string_view message) {
    if (message.find("exceeded maximum nested value depth") != std::string_view::npos) {
        return "values are nested more than " + std::to_string(FORGE_TOML_MAX_NESTING) + " deep";
    }
    const std::string_view prefix = "Error while parsing ";
    if (message.substr(0, prefix.size()) != prefix) return std::string(message);
    return "malformed " + std::string(message.substr(prefix.size()));
}

struct forge_toml_document {
    toml::table table;
    std::deque<std::string> dates;
    std::vector<forge_toml_node> nodes;
    bool failed = false;
    syntax_error error{"", {1, 1}};

    void parse(std::string_view text) {
        if (text.size() > FORGE_TOML_MAX_BYTES) {
            throw syntax_error{"the file is larger than " + std::to_string(FORGE_TOML_MAX_BYTES >> 20) + " MiB", {1, 1}};
        }
        key_check(text).run();
        try {
            table = toml::parse(text);
        } catch (const failed_check_error &) {
            throw syntax_error{"unexpected character", place_of_failed_check(text)};
        }
        add(table, nullptr, {1, 1}, 0);
    }

    void fail(std::string_view message, toml::source_position position) {
        nodes.clear();
        failed = true;
        error.position = position.line == 0 ? toml::source_position{1, 1} : position;
        error.message = message;
    }

private:
    static toml::source_position first_of(toml::source_position wanted, toml::source_position otherwise) {
        return wanted.line == 0 ? otherwise : wanted;
    }

    template <typename Date>
    void set_date(forge_toml_node &record, const Date &date) {
        std::ostringstream stream;
        stream << date;
        set_text(record, dates.emplace_back(stream.str()));
    }

    static void set_text(forge_toml_node &record, std::string_view text) {
        record.text = text.data();
        record.text_length = text.size();
    }

    // `place` is where the value stands when toml++ has no place for it (a table made by a dotted key).
    void add(const toml::node &node, const toml::key *key, toml::source_position place, int depth) {
        forge_toml_node record{};
        place = first_of(node.source().begin, place);
        record.line = place.line;
        record.column = place.column;
        if (depth > FORGE_TOML_MAX_DEPTH) throw syntax_error{"values are nested too deeply", place};
        if (nodes.size() >= FORGE_TOML_MAX_NODES) throw syntax_error{"the file holds too many values", place};
        if (key != nullptr) {
            const auto key_place = first_of(key->source().begin, place);
            record.key = key->str().data();
            record.key_length = key->str().size();
            record.key_line = key_place.line;
            record.key_column = key_place.column;
        }
        describe(node, record);
        nodes.push_back(record);
        if (const auto *array = node.as_array()) {
            for (const auto &element : *array) add(element, nullptr, place, depth + 1);
        } else if (const auto *table = node.as_table()) {
            add_entries(*table, place, depth + 1);
        }
    }

    void describe(const toml::node &node, forge_toml_node &record) {
        switch (node.type()) {
        case toml::node_type::string: record.kind = FORGE_TOML_STRING; set_text(record, node.as_string()->get()); break;
        case toml::node_type::integer: record.kind = FORGE_TOML_INTEGER; record.integer = node.as_integer()->get(); break;
        case toml::node_type::floating_point:
            record.kind = FORGE_TOML_FLOAT;
            record.number = node.as_floating_point()->get();
            break;
        case toml::node_type::boolean: record.kind = FORGE_TOML_BOOLEAN; record.integer = node.as_boolean()->get() ? 1 : 0; break;
        case toml::node_type::date: record.kind = FORGE_TOML_DATE; set_date(record, node.as_date()->get()); break;
        case toml::node_type::time: record.kind = FORGE_TOML_DATE; set_date(record, node.as_time()->get()); break;
        case toml::node_type::date_time: record.kind = FORGE_TOML_DATE; set_date(record, node.as_date_time()->get()); break;
        case toml::node_type::array: record.kind = FORGE_TOML_ARRAY; record.children = node.as_array()->size(); break;
        default: record.kind = FORGE_TOML_TABLE; record.children = node.as_table()->size(); break;
        }
    }

    // toml++ sorts a table by key; people read files from the top.
    void add_entries(const toml::table &table, toml::source_position place, int depth) {
        using entry = std::pair<const toml::key *, const toml::node *>;
        std::vector<entry> entries;
        entries.reserve(table.size());
        for (auto &&[key, node] : table) entries.emplace_back(&key, &node);
        std::sort(entries.begin(), entries.end(), [](const entry &left, const entry &right) {
            const auto first = left.first->source().begin, second = right.first->source().begin;
            return first == second ? left.first->str() < right.first->str() : first < second;
        });
        for (const auto &[key, node] : entries) add(*node, key, first_of(key->source().begin, place), depth);
    }
};

extern "C" {

forge_toml_document *forge_toml_parse(const uint8_t *bytes, size_t length) {
    auto *document = new (std::nothrow) forge_toml_document();
    if (document == nullptr) return nullptr;
    try {
        try {
            document->parse(std::string_view(reinterpret_cast<const char *>(bytes), length));
        } catch (const toml::parse_error &error) {
            document->fail(wording(error.description()), error.source().begin);
        } catch (const syntax_error &error) {
            document->fail(error.message, error.position);
        }
        return document;
    } catch (...) {  // memory is out
        delete document;
        return nullptr;
    }
}

int forge_toml_failed(const forge_toml_document *document, forge_toml_error *error) {
    if (!document->failed) return 0;
    *error = {document->error.message.data(), document->error.message.size(), document->error.position.line,
              document->error.position.column};
    return 1;
}

const forge_toml_node *forge_toml_nodes(const forge_toml_document *document, size_t *count) {
    *count = document->nodes.size();
    return document->nodes.data();
}

void forge_toml_free(forge_toml_document *document) { delete document; }

}  // extern "C"
