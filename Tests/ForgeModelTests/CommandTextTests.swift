import ForgeModel
import Testing

@Suite struct CommandTextTests {
    @Test(arguments: [
        (["npm", "ci"], "npm ci"),
        (["echo", "it's", "", "a b", "$HOME"], #"echo 'it'\''s' '' 'a b' '$HOME'"#),
        (["/bin/sh", "-euc", "make && make install"], "make && make install"),
        (["/bin/sh", "-euc", "\n# pip install .\npython3 -m venv .venv\n"], "pip install . …"),
        (["/bin/sh", "-euc", "first\nsecond"], "first …"),
    ])
    func aCommandReadsAsAPersonWouldTypeIt(command: [String], text: String) {
        #expect(CommandText.typed(command) == text)
    }
}
