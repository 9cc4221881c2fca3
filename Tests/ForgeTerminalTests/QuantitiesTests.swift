import ForgeEvents
import Testing

@Test(arguments: [
    (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"),
    (1_500_000_000, "1.5 GB"), (2_000_000_000_000, "2.0 TB"), (Int.max, "9223372.0 TB"),
])
func sizesReadLikeAPersonWouldSayThem(count: Int, text: String) {
    #expect(Bytes(count).description == text)
}

@Test(arguments: [
    (0, "0 ms"), (320, "320 ms"), (999, "999 ms"), (1000, "1.0 s"), (1449, "1.4 s"), (1450, "1.5 s"), (59_949, "59.9 s"),
    (59_950, "1 min 00 s"), (125_000, "2 min 05 s"), (3_599_499, "59 min 59 s"), (3_599_500, "1 h 00 min"), (3_720_000, "1 h 02 min"),
    (-5, "0 ms"),
])
func durationsReadLikeAPersonWouldSayThem(count: Int, text: String) {
    #expect(Milliseconds(count).description == text)
}
