internal import ForgeModel
internal import ForgePresets

/// Reads what `[build]` says of the system that steps run in.
struct SystemTableReader {
    let table: TableReader

    func image() -> Located<ImageReference>? {
        guard let text = table.string("image") else { return nil }
        do throws(ImageReferenceError) { return Located(try ImageReference(parsing: text.value), at: text.location) } catch {
            table.faults.add(
                "`image`: \(error)", at: text.location, hint: "write `image = \"registry.example/name@sha256:…\"`, with registry and digest"
            )
            return nil
        }
    }

    /// Names as Debian's policy has them, with an architecture at most: never an option, a version or a path.
    func packages() -> [Located<String>] {
        (table.strings("packages") ?? []).filter { entry in
            if entry.value.wholeMatch(of: /[a-z0-9][a-z0-9+.-]{1,127}/) != nil { return true }
            table.faults.add(
                "`\(entry.value)` is not the name of a system package", at: entry.location,
                hint: "write it like `packages = [\"libpq-dev\"]`")
            return false
        }
    }
}
