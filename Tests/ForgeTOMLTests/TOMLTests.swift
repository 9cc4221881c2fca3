import ForgeTOML
import Testing

/// One line per key and value, with both places: what a reader of positions relies on.
private func outline(_ table: TOMLTable, indent: String = "") -> [String] {
    table.entries.flatMap { entry in
        ["\(indent)\(entry.key) @\(entry.keyPosition.line):\(entry.keyPosition.column)"] + outline(entry.node, indent: indent + "  ")
    }
}

private func outline(_ node: TOMLNode, indent: String) -> [String] {
    let place = "@\(node.position.line):\(node.position.column)"
    switch node.value {
    case .string(let text): return ["\(indent)\"\(text)\" \(place)"]
    case .integer(let number): return ["\(indent)\(number) \(place)"]
    case .float(let number): return ["\(indent)\(number) \(place)"]
    case .boolean(let flag): return ["\(indent)\(flag) \(place)"]
    case .date(let text): return ["\(indent)\(text) \(place)"]
    case .array(let elements): return ["\(indent)array \(place)"] + elements.flatMap { outline($0, indent: indent + "  ") }
    case .table(let table): return ["\(indent)table \(place)"] + outline(table, indent: indent + "  ")
    }
}

private func outline(parsing text: String) throws -> String {
    try outline(TOML.parse(Array(text.utf8))).joined(separator: "\n")
}

private func parse(_ text: String) throws -> TOMLTable { try TOML.parse(Array(text.utf8)) }

@Test func anEmptyDocumentIsAnEmptyTable() throws {
    #expect(try TOML.parse([]) == TOMLTable(entries: [], position: TOMLPosition(line: 1, column: 1)))
}

@Test func everyKeyAndValueHasItsPlaceAndFilesKeepTheirOrder() throws {
    let text = """
        zeta = "last letter first"
        alpha = [1, 2.5,
          { on = true }]

        [build]
        command = 'npm run build'
        at = 2026-07-01T10:00:00Z
        """
    #expect(
        try outline(parsing: text) == """
            zeta @1:1
              "last letter first" @1:8
            alpha @2:1
              array @2:9
                1 @2:10
                2.5 @2:13
                table @3:3
                  on @3:5
                    true @3:10
            build @5:2
              table @5:1
                command @6:1
                  "npm run build" @6:11
                at @7:1
                  2026-07-01T10:00:00Z @7:6
            """)
}

@Test func nestedAndDottedTablesStandWhereTheirKeysFirstAppear() throws {
    let text = """
        "quoted key".b . c = 1
        [one.two.three]
        x = 1
        [one]
        y = 2
        """
    #expect(
        try outline(parsing: text) == """
            quoted key @1:1
              table @1:1
                b @1:14
                  table @1:14
                    c @1:18
                      1 @1:22
            one @2:2
              table @4:1
                two @2:6
                  table @2:1
                    three @2:10
                      table @2:1
                        x @3:1
                          1 @3:5
                y @5:1
                  2 @5:5
            """)
}

@Test func arraysOfTablesKeepTheirOrder() throws {
    let text = """
        [[routes]]
        path = "/b"
        [[routes]]
        path = "/a"
        """
    #expect(
        try outline(parsing: text) == """
            routes @1:3
              array @1:1
                table @1:1
                  path @2:1
                    "/b" @2:8
                table @3:1
                  path @4:1
                    "/a" @4:8
            """)
}

@Test func columnsCountScalars() throws {
    #expect(try outline(parsing: "a = { 'é😀' = \"ü\", b = 1 }").hasSuffix("b @1:19\n      1 @1:23"))
}

@Test func aByteOrderMarkIsNotPartOfTheText() throws {
    #expect(try outline(parsing: "\u{FEFF}a = 1\r\nb = 2\r\n") == "a @1:1\n  1 @1:5\nb @2:1\n  2 @2:5")
    #expect(throws: TOMLSyntaxError("invalid UTF-8", at: TOMLPosition(line: 1, column: 6))) {
        try TOML.parse([0xEF, 0xBB, 0xBF] + Array("a = \"".utf8) + [0xFF])
    }
}

@Test(arguments: [
    ("2026-07-01", "2026-07-01"), ("10:00:00.5", "10:00:00.5"), ("2026-07-01 10:00:00", "2026-07-01T10:00:00"),
    ("2026-07-01T10:00:00+02:00", "2026-07-01T10:00:00+02:00"),
])
func datesAreText(written: String, read: String) throws {
    #expect(try parse("d = \(written)")["d"]?.value == .date(read))
}

@Test func accessorsAnswerOnlyForTheirOwnType() throws {
    let table = try parse("s = 'x'\ni = 7\nf = 1.5\nb = false\na = []\nt = {}\nd = 10:00:00")
    #expect(table["s"]?.string == "x" && table["s"]?.number == nil)
    #expect(table["i"]?.integer == 7 && table["i"]?.number == 7 && table["i"]?.string == nil)
    #expect(table["f"]?.number == 1.5 && table["f"]?.integer == nil)
    #expect(table["b"]?.bool == false)
    #expect(table["a"]?.array == [])
    #expect(table["t"]?.table?.entries == [])
    #expect(table["absent"] == nil)
    #expect(
        table.entries.map(\.node.typeName) == ["a string", "an integer", "a float", "a boolean", "an array", "a table", "a date"])
}

@Test func aStringMayHoldNULAndEveryEscape() throws {
    #expect(try parse("s = \"a\\u0000b\\t\\\"\\U0001F600\"")["s"]?.string == "a\0b\t\"😀")
}

@Test func keysThatSwiftTakesForEqualStayApart() throws {
    let table = try parse("\"e\u{301}\" = 1\n\"\u{E9}\" = 2")
    #expect(table["\u{E9}"]?.integer == 2)
    #expect(table["e\u{301}"]?.integer == 1)
}
