import ForgeModel
import ForgeSandbox
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Deployed servers in the real sandbox.
@Suite struct ServerTests {
    @Test(arguments: ["crun", "runc"]) func aServerAnswersThroughConnectionsMadeInsideItsNamespace(runtime: String) async throws {
        let workshop = try await ServerWorkshop(runtime)
        let started = try await workshop.start(network: .open)
        #expect(try await started.server.get() == "1 1\n")
        #expect(try await started.server.get() == "1 2\n")
        #expect(try started.server.listeningPorts() == [8000])
        #expect(try started.server.memoryBytes() > 1 << 20)
        #expect(await started.server.stop(grace: .seconds(30)) == ServerExit(ending: .signaled(SIGKILL), cause: .stopped))
        #expect(started.log.all == "up\n")
        #expect(try workshop.leftovers() == [])
    }

    @Test func nothingListeningIsAConnectionRefused() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start()
        #expect { try started.server.connect(port: 8001) } throws: { ($0 as? SystemError)?.errno == ECONNREFUSED }
        _ = await started.server.stop(grace: .zero)
        #expect { try started.server.connect(port: 8000) } throws: { ($0 as? SystemError)?.errno == ECONNREFUSED }
        #expect(try started.server.listeningPorts() == [])
    }

    @Test func aFullListenerQueueIsToldAndWaitedFor() async throws {
        let workshop = try await ServerWorkshop()
        let program = """
            import socket, sys, time
            s = socket.socket(); s.bind(("127.0.0.1", 8000)); s.listen(0)
            print("up", flush=True)
            time.sleep(86399)
            """
        let started = try await workshop.run(["python3", "-c", program])
        try await started.log.wait(for: "up\n")
        let connections = try (0..<4).map { _ in try started.server.connect(port: 8000) }
        #expect(connections.map(\.isEstablished) == [true, false, false, false])
        await #expect {
            try await connections[3].established(within: .milliseconds(50))
        } throws: {
            ($0 as? SystemError)?.errno == ETIMEDOUT
        }
        _ = await started.server.stop(grace: .zero)
    }

    @Test func aCancelledStartLeavesNothing() async throws {
        let workshop = try await ServerWorkshop()
        let (root, sandbox) = (workshop.root, workshop.sandbox)
        let task = Task {
            let request = ServerRequest(root: root + "/artifact", command: ["sleep", "86399"], environment: [:], limits: .small)
            _ = try await RunningServer.start(request, in: sandbox) { _ in }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try workshop.leftovers() == [])
    }

    @Test(arguments: ["crun", "runc"]) func itIsAnOrdinaryUserWithoutCapabilitiesInAReadOnlyWorld(runtime: String) async throws {
        let workshop = try await ServerWorkshop(runtime)
        let started = try await workshop.start()
        let answer = try await started.server.get(
            """
            id -u; id -g
            grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t' ' '
            for place in / /usr /workspace /etc /dev /proc/sys/kernel/hostname; do touch $place/x 2>/dev/null && echo wrote $place; done
            touch /tmp/x $HOME/x && echo writable
            stat -c '%U %a' server.py
            unshare -U true 2>/dev/null || echo no namespaces
            ls -d /root /home/* /var/lib 2>/dev/null
            sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev
            """)
        #expect(
            answer == """
                1000
                1000
                NoNewPrivs: 1
                Seccomp: 2

                """.replacing("NoNewPrivs", with: "CapEff: 0000000000000000\nCapBnd: 0000000000000000\nNoNewPrivs") + """
                    writable
                    build 644
                    no namespaces
                    /home/build
                    lo

                    """)
        _ = await started.server.stop(grace: .zero)
        #expect(try Files.list(workshop.root + "/artifact") == ["server.py"])
    }

    @Test(arguments: ["crun", "runc"]) func itWritesToTheFoldersThatItWasGivenAndToNoOther(runtime: String) async throws {
        let workshop = try await ServerWorkshop(runtime)
        try Files.makeDirectory(workshop.root + "/artifact/tmp", mode: 0o755)
        try Files.writeAtomically(Array("as built\n".utf8), to: workshop.root + "/artifact/tmp/kept")
        let folders = try ["tmp", "var/cache"].map { try RelativePath(parsing: $0) }
        for _ in 1...2 {
            let started = try await workshop.start(writable: folders)
            let answer = try await started.server.get(
                """
                cat tmp/kept; ls var/cache
                echo new > tmp/kept; mkdir tmp/deeper; echo more > var/cache/file; cat tmp/kept var/cache/file
                stat -c '%U %a' tmp var var/cache
                for place in server.py new var/new; do touch $place 2>/dev/null && echo wrote $place; done
                mv tmp other 2>/dev/null || rmdir var/cache 2>/dev/null || echo they stay
                head -c 100000000 /dev/zero 2>/dev/null > tmp/big || echo full
                """)
            #expect(answer == "as built\nnew\nmore\nbuild 755\nbuild 755\nbuild 755\nthey stay\nfull\n")
            _ = await started.server.stop(grace: .zero)
        }
        #expect(try Files.list(workshop.root + "/artifact").sorted() == ["server.py", "tmp"])
        #expect(try Files.read(workshop.root + "/artifact/tmp/kept") == Array("as built\n".utf8))
        #expect(try workshop.leftovers() == [])
    }

    @Test func whereAllIsGivenItWritesBesideItsCodeAndTheArtifactStaysAsItWas() async throws {
        let workshop = try await ServerWorkshop()
        for _ in 1...2 {
            let started = try await workshop.start(writable: [.root])
            let answer = try await started.server.get(
                "ls; echo new > key; echo '# more' >> server.py; cat key; touch /usr/x 2>/dev/null || echo no")
            #expect(answer == "server.py\nnew\nno\n")
            _ = await started.server.stop(grace: .zero)
        }
        #expect(try Files.list(workshop.root + "/artifact") == ["server.py"])
    }

    @Test func aFolderToWriteToIsNotReachedThroughALink() async throws {
        let workshop = try await ServerWorkshop()
        try FileManager.default.createSymbolicLink(atPath: workshop.root + "/artifact/tmp", withDestinationPath: "/")
        await #expect(throws: ForgeError.self) {
            _ = try await workshop.start(writable: [try RelativePath(parsing: "tmp/etc")])
        }
        #expect(try workshop.leftovers() == [])
    }

    @Test func itSeesItsOwnEnvironmentOverTheUsualOne() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.run(
            ["sh", "-c", "tr '\\0' '\\n' < /proc/1/environ | sort"], environment: ["PORT": "1", "TZ": "CET"])
        #expect(await started.server.exit() == ServerExit(ending: .exited(0), cause: .itself))
        #expect(
            started.log.all == """
                HOME=/home/build
                LANG=C.UTF-8
                PATH=/usr/local/bin:/usr/bin:/bin
                PORT=1
                TMPDIR=/tmp
                TZ=CET
                USER=build

                """)
    }

    @Test func whatItWritesIsBounded() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start()
        let answer = try await started.server.get(
            "head -c 100000000 /dev/zero > /tmp/big || head -c 10 /dev/zero > $HOME/more; du -m /tmp/big")
        #expect(answer.contains("No space left on device"))
        #expect(try await started.server.get() == "1 2\n")
        _ = await started.server.stop(grace: .zero)
    }

    @Test func tooMuchMemoryEndsItAndSaysSo() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.run(["python3", "-c", "x = b'x' * (300 << 20)"])
        let exit = await started.server.exit()
        #expect(exit == ServerExit(ending: .signaled(SIGKILL), cause: .outOfMemory))
        #expect(exit.message == "ran out of memory (was killed by signal 9)")
        #expect(try workshop.leftovers() == [])
    }

    @Test func aForkBombStaysInside() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.run(["sh", "-c", "bomb() { bomb | bomb & }; bomb; exec sleep 86399"], limits: .small)
        let exit = await started.server.stop(grace: .zero)
        #expect(exit == ServerExit(ending: .signaled(SIGKILL), cause: .stopped))
        let failing = try await workshop.run(["sh", "-c", "for i in $(seq 200); do sleep 86399 & done; wait"])
        #expect(await failing.server.exit() == ServerExit(ending: .exited(2), cause: .outOfProcesses))
        #expect(try workshop.leftovers() == [])
    }

    @Test(arguments: ["crun", "runc"]) func aFrozenServerStandsStillAndGoesOnWhereItWas(runtime: String) async throws {
        let workshop = try await ServerWorkshop(runtime)
        let started = try await workshop.start()
        #expect(try await started.server.get() == "1 1\n")
        try await started.server.freeze()
        let waiting = try await started.server.connect(port: 8000).established(within: .seconds(10))
        try waiting.write(Array("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
        #expect(try !waiting.waitReadable(milliseconds: 200))
        try await started.server.thaw()
        #expect(try waiting.waitReadable(milliseconds: 60_000))
        #expect(try await started.server.get() == "1 3\n")
        _ = await started.server.stop(grace: .zero)
    }

    @Test func stoppingLetsAHandlerFinish() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start(environment: ["GRACEFUL": "1"])
        #expect(await started.server.stop(grace: .seconds(600)) == ServerExit(ending: .exited(7), cause: .stopped))
        #expect(started.log.all == "up\nbye\n")
    }

    @Test func aFrozenServerIsThawedToHearThatItIsStopped() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start(environment: ["GRACEFUL": "1"])
        try await started.server.freeze()
        #expect(await started.server.stop(grace: .seconds(600)) == ServerExit(ending: .exited(7), cause: .stopped))
        #expect(try workshop.leftovers() == [])
    }

    @Test func aFrozenServerWithoutAHandlerIsKilled() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start()
        try await started.server.freeze()
        #expect(await started.server.stop(grace: .seconds(600)) == ServerExit(ending: .signaled(SIGKILL), cause: .stopped))
        #expect(try workshop.leftovers() == [])
    }

    @Test func oneThatIgnoresItsHandlerIsKilledAfterTheGrace() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.run(["sh", "-c", "trap 'echo no' TERM; echo up; while :; do sleep 1; done"])
        try await started.log.wait(for: "up\n")
        #expect(await started.server.stop(grace: .milliseconds(50)) == ServerExit(ending: .signaled(SIGKILL), cause: .stopped))
    }

    @Test func theEndIsToldToEveryoneWhoWaits() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start()
        async let first = started.server.exit()
        async let second = started.server.exit()
        #expect(await started.server.stop(grace: .zero) == ServerExit(ending: .signaled(SIGKILL), cause: .stopped))
        #expect(await [first, second, started.server.exit()].map(\.cause) == [.stopped, .stopped, .stopped])
    }

    @Test func aCommandThatIsNotThereIsNamed() async throws {
        let workshop = try await ServerWorkshop()
        await #expect {
            _ = try await workshop.run(["no-such-command"])
        } throws: {
            ($0 as? ForgeError)?.code == "server.no-command"
        }
        #expect(try workshop.leftovers() == [])
    }

    @Test(arguments: [false, true]) func killingTheHelperEndsTheServerAndLeavesNothing(whileFrozen: Bool) async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start(network: .open)
        let cgroup = try #require(try workshop.cgroup())
        if whileFrozen { try await started.server.freeze() }
        #expect(killHelper(named: cgroup))
        #expect(await started.server.exit() == ServerExit(ending: .signaled(SIGKILL), cause: .lost))
        #expect(try workshop.leftovers() == [])
        #expect(try Files.list("/sys/fs/cgroup").filter { Files.exists("/sys/fs/cgroup/\($0)/\(cgroup)") } == [])
    }
}

/// Kills the outer `forge-sandbox` of the run with this cgroup, and nothing else.
private func killHelper(named cgroup: String) -> Bool {
    let helpers = ((try? Files.list("/proc").compactMap(Int32.init)) ?? []).filter { pid in
        let words = ((try? Files.read("/proc/\(pid)/cmdline")) ?? [])?.split(separator: 0).map { String(decoding: $0, as: UTF8.self) } ?? []
        return words.first?.hasSuffix("/forge-sandbox") == true && words.contains(cgroup)
    }
    // Outer and inner have one command line; the outer's number is the smaller.
    return helpers.min().map { kill($0, SIGKILL) == 0 } ?? false
}
