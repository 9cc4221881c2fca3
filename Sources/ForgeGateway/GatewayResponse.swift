internal import ForgeSystem

/// An answer, ready to be written. `contentLength` counts the whole body, also for HEAD, which gets none of it.
struct GatewayResponse: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// A part of an open file, read piece by piece.
        case file(Descriptor, Range<Int64>)
    }

    var status: Int
    var headers: [(name: String, value: String)] = []
    /// Nil for answers that cannot have a body (304).
    var body: Body?
    /// The release that answered; nil for the gateway's own words.
    var release: String?

    var contentLength: Int64? {
        switch body {
        case .bytes(let bytes): Int64(bytes.count)
        case .file(_, let range): Int64(range.count)
        case nil: nil
        }
    }

    /// A page in the gateway's own words: a title, one sentence, and what to do next.
    static func page(_ status: Int, _ title: String, _ text: String, hint: String? = nil, headers: [(String, String)] = [])
        -> GatewayResponse
    {
        let hintLine = hint.map { "<p>\(escape($0))</p>\n" } ?? ""
        let html = """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>\(status) \(escape(title))</title>
            <style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem}</style>
            <h1>\(escape(title))</h1>
            <p>\(escape(text))</p>
            \(hintLine)</html>

            """
        var fields = [
            (name: "Content-Type", value: "text/html; charset=utf-8"), (name: "Cache-Control", value: "no-store"),
            (name: "X-Content-Type-Options", value: "nosniff"),
        ]
        fields += headers.map { (name: $0.0, value: $0.1) }
        return GatewayResponse(status: status, headers: fields, body: .bytes(Array(html.utf8)))
    }

    private static func escape(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }
}

/// The gateway's own answers.
extension GatewayResponse {
    static func badRequest(_ text: String) -> GatewayResponse { page(400, "Bad request", text) }

    static func unknownHost(_ host: String) -> GatewayResponse {
        let slug = host.hasSuffix(".localhost") ? String(host.dropLast(".localhost".count)) : "my-site"
        return page(
            404, "No such site", "Nothing is deployed as \(host).",
            hint: "Run: forge deploy --project \(slug.contains(".") ? "my-site" : slug)")
    }

    static func filesGone(_ host: String) -> GatewayResponse {
        page(
            503, "Files are missing", "The files of the active release of \(host) are not on this disk any more.",
            hint: "Run forge deploy again: it puts them back.")
    }

    static func notFound(_ host: String) -> GatewayResponse { page(404, "Not found", "\(host) has no such page.") }

    static let methodNotAllowed = page(
        405, "Method not allowed", "This site has files only: GET and HEAD are answered.", headers: [("Allow", "GET, HEAD")])

    static let internalError = page(500, "Internal error", "The gateway could not read this file.")
    static let bodyTooLarge = page(413, "Content too large", "The body of this request is larger than the gateway takes.")
    static let headersTooLarge = page(431, "Request header fields too large", "The head of this request is larger than the gateway takes.")
    static let requestTimeout = page(408, "Request timeout", "The request was not complete in time.")
    static let notHTTP = page(400, "Bad request", "This is not a well-formed HTTP/1.1 request.")
}
