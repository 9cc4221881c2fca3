import ForgeTestSupport
import Foundation
import Testing

/// Applications as people write them, deployed, changed and rolled back while requests never pause: none fails, and none is answered
/// by an older version once the command has returned.
@Suite struct ServerLoadTests {
    @Test func anExpressServerIsSwappedUnderLoadWithoutAFailedRequest() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "express-app")
            try await home.expectSwapsUnderLoad(
                of: project, in: registry.environment, mix: ["get": 4, "post": 2, "slow": 1, "events": 1, "upload": 1],
                kinds: ["slow", "events", "upload"]
            ) { version in
                try project.write(["server.js": ServerPrograms.express(version: version)])
            }
        }
    }

    @Test func aFlaskServerIsSwappedUnderLoadWithoutAFailedRequest() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "flask-hashed")
            // Its only worker answers one request at a time.
            try await home.expectSwapsUnderLoad(
                of: project, in: PythonIndex.environment(for: home), mix: ["get": 3, "post": 2, "slow": 1], kinds: []
            ) { version in
                try project.write(["app.py": ServerPrograms.flask(version: version)])
            }
        }
    }

    @Test func aFastAPIServerIsSwappedUnderLoadWithoutAFailedRequest() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "fastapi-hashed")
            try await home.expectSwapsUnderLoad(
                of: project, in: PythonIndex.environment(for: home),
                mix: ["get": 4, "post": 2, "slow": 1, "events": 1, "upload": 1], kinds: ["slow", "events", "upload"]
            ) { version in
                try project.write(["main.py": ServerPrograms.fastAPI(version: version)])
            }
        }
    }

    @Test func whatNeverEndsByItselfIsEndedProperlyHalfAMinuteAfterTheSwap() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            try await home.deploy(project.path, to: "told")
            try project.tell(Behaviour(version: 2))
            var script = LoadScript(host: "told.localhost")
            script.mix = ["get": 1]
            script.requests = 50
            script.lingers = 60
            script.steps = [.init(["deploy", project.path, "--project", "told"], version: 2)]
            let report = try await home.load(script, on: gateway)
            #expect(report.wrongs == [])
            #expect(report.json["lingered"]?["events"] == "ended whole")
            // 1001: going away.
            #expect(report.json["lingered"]?["websocket"] == 1001)
            #expect((report.json["lingered"]?["seconds"]?.number ?? 99) < 45)
        }
    }

    /// With two versions the other one is thawed each time, with three each is started anew.
    @Test(arguments: [2, 3]) func swapsThatFollowEachOtherFasterThanRequestsEndLoseNone(versions: Int) async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            var artifacts: [String] = []
            for version in (1...versions).reversed() {
                // Its end must not come before that of its requests.
                try project.tell(Behaviour(version: version, #""endsAtOnce": true"#))
                artifacts.insert(try await home.build(project.path).artifact ?? "", at: 0)
            }
            try await home.deploy(project.path, to: "told")
            var script = LoadScript(host: "told.localhost")
            script.mix = ["get": 1, "slow": 3, "events": 2, "upload": 2, "websocket": 2]
            script.paths = ["slow": "/slow?bytes=100000&ms=1500"]
            script.requests = 20
            script.steps = (1...24).map { number in
                .init(["deploy", "--artifact", artifacts[number % versions], "--project", "told"], version: number % versions + 1)
            }
            #expect(try await home.load(script, on: gateway).wrongs == [])
        }
    }

    @Test func webSocketsEventStreamsUploadsAndDownloadsCrossASwapWhole() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            try await home.deploy(project.path, to: "told")
            let one = try #require(try await home.releases("told").first?["artifact"]?.text)
            try project.tell(Behaviour(version: 2))
            let two = try #require(try await home.build(project.path).artifact)
            var script = LoadScript(host: "told.localhost")
            script.mix = ["get": 2, "slow": 3, "events": 3, "upload": 3, "websocket": 3]
            script.requests = 300
            script.steps = (1...4).map { number in
                .init(["deploy", "--artifact", number % 2 == 1 ? two : one, "--project", "told"], version: number % 2 + 1)
            }
            let report = try await home.load(script, on: gateway)
            #expect(report.wrongs == [])
            for kind in ["slow", "events", "upload", "websocket"] { #expect(report.crossed(kind) >= 4, "\(kind): \(report.json)") }
            try await home.waitForStates("told", ["active", "superseded", "superseded", "superseded", "superseded"])
        }
    }
}

extension ForgeHome {
    /// Three versions built, then seven swaps, at least 7,200 requests: five to a server that is started, two back to one that is thawed.
    fileprivate func expectSwapsUnderLoad(
        of project: TemporaryProject, in environment: [String: String], mix: [String: Int], kinds: [String], write: (Int) throws -> Void
    ) async throws {
        let gateway = try await startGateway()
        var artifacts: [Int: String] = [:]
        for version in [3, 2, 1] {
            try write(version)
            artifacts[version] = try await build(project.path, in: environment).artifact
        }
        try await deploy(project.path, to: "swapped", in: environment)
        let deploy = { [artifacts] in
            LoadScript.Step(["deploy", "--artifact", artifacts[$0] ?? "", "--project", "swapped"], version: $0)
        }
        let rollback = { LoadScript.Step(["rollback", "--project", "swapped"], version: $0) }
        var script = LoadScript(host: "swapped.localhost")
        script.mix = mix
        script.steps = [deploy(2), rollback(1), deploy(3), deploy(2), rollback(3), deploy(1), deploy(2)]
        let report = try await load(script, on: gateway)
        #expect(report.wrongs == [])
        #expect(report.sent >= 7200)
        #expect(kinds.filter { report.crossed($0) == 0 } == [])
        #expect(try await gateway.fetch("swapped.localhost") == "200 version 2\n")
        // The record of each swap is complete once the last one has drained.
        try await untilTrue("the records of the swaps", else: { "\(try await self.releases("swapped"))" }) {
            try await self.releases("swapped").dropLast().allSatisfy { ($0["swap"]?["drainMs"]?.number) != nil }
        }
        for release in try await releases("swapped").dropLast() {
            #expect(release["swap"]?["failed"] == 0)
            #expect(release["swap"]?["replaced"] == release["previous"])
            #expect((release["swap"]?["drainMs"]?.number ?? 99_999) < 30_000)
        }
    }
}

/// Programs that say their version with every answer.
private enum ServerPrograms {
    static func express(version: Int) -> String {
        """
        const crypto = require("node:crypto");
        const express = require("express");
        const app = express();
        app.use((request, response, next) => {
          response.set("x-version", "\(version)");
          next();
        });
        app.get("/", (request, response) => response.send("version \(version)\\n"));
        app.post("/echo", (request, response) => request.pipe(response));
        app.get("/slow", (request, response) => {
          response.set("content-length", "100000");
          for (let piece = 0; piece < 10; piece += 1) {
            setTimeout(() => (piece < 9 ? response.write("s".repeat(10000)) : response.end("s".repeat(10000))), piece * 50);
          }
        });
        app.get("/events", (request, response) => {
          response.set("content-type", "text/event-stream");
          let number = 0;
          const timer = setInterval(() => {
            response.write(`id: ${number}\\ndata: \(version)\\n\\n`);
            number += 1;
            if (number == request.query.count) response.end(clearInterval(timer));
          }, 50);
        });
        app.post("/upload", (request, response) => {
          const hash = crypto.createHash("sha256");
          let bytes = 0;
          request.on("data", (piece) => hash.update(piece) && (bytes += piece.length));
          request.on("end", () => response.json({ bytes, sha256: hash.digest("hex") }));
        });
        app.listen(process.env.PORT);

        """
    }

    static func flask(version: Int) -> String {
        """
        from flask import Flask, request

        app = Flask(__name__)


        @app.after_request
        def version(response):
            response.headers["x-version"] = "\(version)"
            return response


        @app.get("/")
        def index():
            return "version \(version)\\n"


        @app.post("/echo")
        def echo():
            return request.get_data()


        @app.get("/slow")
        def slow():
            return iter([b"s" * 10000] * 10)

        """
    }

    static func fastAPI(version: Int) -> String {
        """
        import asyncio, hashlib

        from fastapi import FastAPI, Request, Response
        from fastapi.responses import PlainTextResponse, StreamingResponse

        app = FastAPI()


        @app.middleware("http")
        async def version(request, call_next):
            response = await call_next(request)
            response.headers["x-version"] = "\(version)"
            return response


        @app.get("/", response_class=PlainTextResponse)
        def index():
            return "version \(version)\\n"


        @app.post("/echo")
        async def echo(request: Request):
            return Response(await request.body())


        async def pieces(count, piece):
            for number in range(count):
                await asyncio.sleep(0.05)
                yield piece(number)


        @app.get("/slow")
        def slow():
            return StreamingResponse(pieces(10, lambda number: b"s" * 10000), headers={"content-length": "100000"})


        @app.get("/events")
        def events(count: int):
            return StreamingResponse(pieces(count, lambda n: f"id: {n}\\ndata: \(version)\\n\\n"), media_type="text/event-stream")


        @app.post("/upload")
        async def upload(request: Request):
            body = await request.body()
            return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}

        """
    }
}
