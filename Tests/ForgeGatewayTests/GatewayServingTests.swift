import ForgeSystem
import Foundation
import Testing

@Suite struct GatewayServingTests {
    private static let files = [
        "index.html": "<h1>home</h1>", "about.html": "about", "docs/index.html": "docs", "docs/page.txt": "page", "empty.css": "",
        "assets/app.3f9a1c02.js": "app", "photo.PNG": "png", "no-extension": "?", "with space & ü.html": "odd",
        ".env": "SECRET", ".well-known/security.txt": "contact", ".well-known/.hidden": "SECRET", "docs/.git/config": "SECRET",
        "only-files/a.txt": "a",
    ]

    @Test(arguments: [
        ("/", 200, "<h1>home</h1>"), ("/index.html", 200, "<h1>home</h1>"), ("/about.html", 200, "about"), ("/about", 200, "about"),
        ("/docs/", 200, "docs"), ("/docs/page.txt", 200, "page"), ("/docs//./page.txt", 200, "page"), ("/docs/../about", 200, "about"),
        ("/empty.css", 200, ""), ("/?q=../x", 200, "<h1>home</h1>"), ("/with%20space%20%26%20%C3%BC.html", 200, "odd"),
        ("/.well-known/security.txt", 200, "contact"), ("/%61bout", 200, "about"),
    ])
    func aFileAnswersItsPath(target: String, status: Int, body: String) async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(Self.files))
            let response = try await gateway.get(target)
            #expect(response.status == status)
            #expect(response.text == body)
        }
    }

    @Test func theWholeHeadOfAnAnswerIsAsWritten() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(Self.files))
            let page = try await gateway.get("/")
            let tag = try #require(page.headers["etag"])
            #expect(
                page.headers == [
                    "content-type": "text/html; charset=utf-8", "cache-control": "no-cache", "x-content-type-options": "nosniff",
                    "etag": tag, "accept-ranges": "bytes", "content-length": "13", "connection": "close",
                ])
            let script = try await gateway.get("/assets/app.3f9a1c02.js")
            #expect(script.headers["cache-control"] == "public, max-age=31536000, immutable")
            #expect(script.headers["content-type"] == "text/javascript; charset=utf-8")
            #expect(try await gateway.get("/photo.PNG").headers["content-type"] == "image/png")
            #expect(try await gateway.get("/no-extension").headers["content-type"] == "application/octet-stream")
        }
    }

    @Test func aDirectoryWithoutItsSlashIsSentToIt() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["docs/index.html": "docs", "ü b/index.html": "x"]))
            let plain = try await gateway.get("/docs?a=1")
            #expect(plain.status == 301)
            #expect(plain.headers["location"] == "/docs/?a=1")
            #expect(try await gateway.get("/%C3%BC%20b").headers["location"] == "/%C3%BC%20b/")
            #expect(try await gateway.get("//docs").headers["location"] == "/docs/")
        }
    }

    @Test func aMissIsAnsweredByTheSitesOwnPageWithStatus404() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["404.html": "our own", "index.html": ""]))
            let response = try await gateway.get("/nowhere")
            #expect(response.status == 404)
            #expect(response.text == "our own")
            #expect(response.headers["etag"] == nil)
            try gateway.publish("bare.localhost", gateway.site(["index.html": ""], name: "bare"))
            #expect(try await gateway.get("/nowhere", host: "bare.localhost").text.contains("bare.localhost has no such page"))
        }
    }

    @Test func onlyARouteWithAFallbackAnswersUnknownPathsWithIt() async throws {
        try await GatewayFixture.run { gateway in
            let root = try gateway.site(["index.html": "app", "404.html": "gone"])
            try gateway.publish("spa.localhost", root, fallback: "index.html")
            try gateway.publish("plain.localhost", root)
            let app = try await gateway.get("/users/7", host: "spa.localhost")
            #expect(app.status == 200)
            #expect(app.text == "app")
            #expect(try await gateway.get("/users/7", host: "plain.localhost").status == 404)
            #expect(try await gateway.get("/.env", host: "spa.localhost").status == 404)
        }
    }

    @Test func headGetsTheHeadOfGetAndNoBody() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(Self.files))
            let get = try await gateway.get("/about")
            let head = try await gateway.get("/about", method: "HEAD")
            #expect(head.status == 200)
            #expect(head.headers == get.headers)
            #expect(head.body.isEmpty)
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
    func otherMethodsAreRefused(method: String) async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(Self.files))
            let response = try await gateway.get("/", method: method, ["Content-Length: 0"])
            #expect(response.status == 405)
            #expect(response.headers["allow"] == "GET, HEAD")
        }
    }

    @Test func anUnchangedFileIsNotSentAgainAndANewArtifactIs() async throws {
        try await GatewayFixture.run { gateway in
            let root = try gateway.site(Self.files)
            try gateway.publish("site.localhost", root)
            let tag = try #require(try await gateway.get("/").headers["etag"])
            #expect(try await gateway.get("/index.html").headers["etag"] == tag)
            #expect(try await gateway.get("/about").headers["etag"] != tag)
            for header in [tag, "W/\(tag)", "\"other\" , \(tag)", "*"] {
                let again = try await gateway.get("/", ["If-None-Match: \(header)"])
                #expect(again.status == 304)
                #expect(
                    again.headers == ["cache-control": "no-cache", "x-content-type-options": "nosniff", "etag": tag, "connection": "close"])
            }
            #expect(try await gateway.get("/", ["If-None-Match: \"other\""]).status == 200)
            try gateway.publish("site.localhost", root, artifact: "two")
            #expect(try await gateway.get("/", ["If-None-Match: \(tag)"]).status == 200)
        }
    }

    @Test(arguments: [
        ("bytes=0-3", 206, "0123", "bytes 0-3/10"), ("bytes=7-", 206, "789", "bytes 7-9/10"), ("bytes=-2", 206, "89", "bytes 8-9/10"),
        ("bytes=8-99", 206, "89", "bytes 8-9/10"), ("bytes=-99", 206, "0123456789", "bytes 0-9/10"),
        ("bytes=0-1,3-4", 200, "0123456789", nil), ("lines=0-1", 200, "0123456789", nil), ("bytes=3-1", 200, "0123456789", nil),
        ("bytes=a-b", 200, "0123456789", nil), ("bytes=-", 200, "0123456789", nil),
        ("bytes=99999999999999999999-", 200, "0123456789", nil),
    ])
    func oneRangeOfAFileIsSent(range: String, status: Int, body: String, contentRange: String?) async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["ten.txt": "0123456789"]))
            let response = try await gateway.get("/ten.txt", ["Range: \(range)"])
            #expect(response.status == status)
            #expect(response.text == body)
            #expect(response.headers["content-range"] == contentRange)
        }
    }

    @Test func aRangeBeyondTheEndOrOfAnotherVersionIsNotSent() async throws {
        try await GatewayFixture.run { gateway in
            try gateway.publish("site.localhost", gateway.site(["ten.txt": "0123456789"]))
            let beyond = try await gateway.get("/ten.txt", ["Range: bytes=10-"])
            #expect(beyond.status == 416)
            #expect(beyond.headers["content-range"] == "bytes */10")
            let tag = try #require(try await gateway.get("/ten.txt").headers["etag"])
            #expect(try await gateway.get("/ten.txt", ["Range: bytes=0-0", "If-Range: \(tag)"]).status == 206)
            #expect(try await gateway.get("/ten.txt", ["Range: bytes=0-0", "If-Range: \"old\""]).status == 200)
        }
    }

    @Test func aLargeFileArrivesWhole() async throws {
        try await GatewayFixture.run { gateway in
            let text = String(repeating: "0123456789abcdef", count: 200_000)
            try gateway.publish("site.localhost", gateway.site(["large.txt": text]))
            #expect(try await gateway.get("/large.txt").text == text)
            let part = try await gateway.get("/large.txt", ["Range: bytes=1000000-2999999"])
            #expect(part.body == Array(text.utf8)[1_000_000..<3_000_000].map { $0 })
        }
    }

    @Test func linksAreFollowedInsideTheSiteOnly() async throws {
        try await GatewayFixture.run { gateway in
            let root = try gateway.site(["real/page.html": "page", "real/index.html": "folder", ".env": "SECRET"])
            _ = try gateway.site(["secret.txt": "SECRET"], name: "outside")
            let links = [
                ("inside.html", "real/page.html"), ("folder", "real"), ("up/again.html", "../real/page.html"),
                ("chain.html", "inside.html"),
                ("out.txt", "../outside/secret.txt"), ("absolute.txt", "/etc/passwd"), ("loop.html", "loop.html"), ("hidden.txt", ".env"),
                ("out-folder", "../outside"), ("broken.html", "nowhere"),
            ]
            try Files.makeDirectory(root + "/up")
            for (name, target) in links {
                try FileManager.default.createSymbolicLink(atPath: "\(root)/\(name)", withDestinationPath: target)
            }
            try gateway.publish("site.localhost", root)
            for path in ["/inside.html", "/up/again", "/chain.html", "/folder/page"] { #expect(try await gateway.get(path).text == "page") }
            #expect(try await gateway.get("/folder/").text == "folder")
            for path in ["/out.txt", "/absolute.txt", "/loop.html", "/hidden.txt", "/out-folder/secret.txt", "/broken.html"] {
                #expect(try await gateway.get(path).status == 404)
            }
        }
    }

    @Test func thingsThatAreNoFilesAreNotOpened() async throws {
        try await GatewayFixture.run { gateway in
            let root = try gateway.site(["index.html": ""])
            #expect(mkfifo(root + "/pipe", 0o600) == 0)
            try gateway.publish("site.localhost", root)
            #expect(try await gateway.get("/pipe").status == 404)
        }
    }

    @Test func missingFilesOfAReleaseAreSaidToBeMissing() async throws {
        try await GatewayFixture.run { gateway in
            let root = try gateway.site(["index.html": "here"])
            try gateway.publish("site.localhost", root)
            #expect(try await gateway.get("/").text == "here")
            try Files.removeTree(root)
            #expect(try await gateway.get("/").status == 503)
            _ = try gateway.site(["index.html": "back"])
            #expect(try await gateway.get("/").text == "back")
        }
    }
}
