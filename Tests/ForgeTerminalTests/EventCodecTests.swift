import ForgeEvents
import ForgeModel
import Testing

private let step = Span(id: 2, kind: .step, name: "install")

private let everyPayload: [(payload: ForgeEvent.Payload, line: String)] = [
    (
        .planned([step, Span(id: 3, kind: .artifact, name: "artifact")]),
        #"{"time":7,"type":"spans.planned","spans":[{"span":2,"kind":"step","name":"install"},{"span":3,"kind":"artifact","name":"artifact"}]}"#
    ),
    (.started(step), #"{"time":7,"type":"span.started","span":2,"kind":"step","name":"install"}"#),
    (.reason(span: 2, "no earlier result"), #"{"time":7,"type":"span.reason","span":2,"text":"no earlier result"}"#),
    (.output(span: 2, Array("a\n\t\"é\\".utf8)), #"{"time":7,"type":"span.output","span":2,"text":"a\n\t\"é\\"}"#),
    (.progress(span: 2, "1 of 2"), #"{"time":7,"type":"span.progress","span":2,"text":"1 of 2"}"#),
    (
        .finished(span: 2, .failed, durationMs: 12, detail: "exit status 1", logPath: "/logs/2"),
        #"{"time":7,"type":"span.finished","span":2,"outcome":"failed","durationMs":12,"detail":"exit status 1","logPath":"/logs/2"}"#
    ),
    (
        .finished(span: 2, .cached, durationMs: 0, detail: nil, logPath: nil),
        #"{"time":7,"type":"span.finished","span":2,"outcome":"cached","durationMs":0}"#
    ),
    (
        .warning(Diagnostic("not locked", at: SourceLocation(file: "a.toml", line: 1, column: 2), hint: "lock it")),
        #"{"time":7,"type":"warning","message":"not locked","file":"a.toml","line":1,"column":2,"hint":"lock it"}"#
    ),
    (.warning(Diagnostic("not locked")), #"{"time":7,"type":"warning","message":"not locked"}"#),
    (
        .summary(Summary(headline: "Built", rows: [.init("size", "1 B")], next: ["forge deploy"])),
        #"{"time":7,"type":"summary","headline":"Built","rows":[{"label":"size","value":"1 B"}],"next":["forge deploy"]}"#
    ),
]

@Test(arguments: everyPayload.indices)
func everyEventIsOneLineAndComesBack(index: Int) throws {
    let event = ForgeEvent(time: 7, everyPayload[index].payload)
    #expect(EventCodec.encode(event) == everyPayload[index].line)
    #expect(try EventCodec.decode(everyPayload[index].line) == event)
}

@Test func hostileOutputStaysOneLineThatNoTerminalActsOn() throws {
    let output = "\u{1B}]52;c;AAAA\u{7}\rOK\n\nevent: x\n\0\u{7F}\u{9B}\u{202E}\u{2028}"
    let line = EventCodec.encode(ForgeEvent(time: 0, .output(span: 1, Array(output.utf8))))
    #expect(
        line
            == #"{"time":0,"type":"span.output","span":1,"text":"\u001b]52;c;AAAA\u0007\rOK\n\nevent: x\n\u0000\u007f\u009b\u202e\u2028"}"#)
    #expect(try EventCodec.decode(line) == ForgeEvent(time: 0, .output(span: 1, Array(output.utf8))))
}

@Test func bytesThatAreNotUTF8AreReplaced() throws {
    let line = EventCodec.encode(ForgeEvent(time: 0, .output(span: 1, [0x61, 0xFF, 0xC3])))
    #expect(line == "{\"time\":0,\"type\":\"span.output\",\"span\":1,\"text\":\"a\u{FFFD}\u{FFFD}\"}")
}

@Test func aLineIsBoundedByTheOutputOfOneEvent() {
    let worst = Array(repeating: UInt8(0), count: EventHub.maximumOutputBytes)
    #expect(EventCodec.encode(ForgeEvent(time: 0, .output(span: 1, worst))).utf8.count == 6 * 65536 + 50)
}

@Test func unknownTypesAreSkippedAndUnknownKeysIgnored() throws {
    #expect(try EventCodec.decode(#"{"time":1,"type":"span.renamed","span":1}"#) == nil)
    #expect(
        try EventCodec.decode(#"{"time":1,"type":"span.reason","span":1,"text":"x","more":[1]}"#)
            == ForgeEvent(time: 1, .reason(span: 1, "x")))
}

@Test(arguments: [
    "", "{", "[]", "{}", #"{"time":1}"#, #"{"time":"1","type":"warning","message":"x"}"#, #"{"time":1,"type":"span.started","span":1}"#,
])
func aLineThatIsNoEventIsAnError(line: String) {
    #expect(throws: EventCodecError.self) { try EventCodec.decode(line) }
}

@Test func aMissingKeyIsNamed() {
    let failure = #expect(throws: EventCodecError.self) { try EventCodec.decode(#"{"time":1,"type":"span.reason","span":1}"#) }
    #expect(failure?.description == "`span.reason` has no `text`")
}
