import LabCore
import Testing

/// Values made in Python from the definitions: SHA-256 of "kglab <seed> <name>", xoshiro256**,
/// Lemire's bound.
@Suite struct RandomStreamTests {
  @Test(
    arguments: [
      (
        UInt64(0), "",
        [
          0x9c96_7d69_d3e0_105c, 0x6ad8_d211_b824_f4de, 0x265a_6682_ab6d_5643,
          0x3120_5e49_b4b9_806f,
        ]
      ),
      (
        7, "graph/entities",
        [
          0x1edf_299e_6da4_085f, 0xe0a3_7e2c_1741_ed03, 0x379d_acd5_92b4_cca6,
          0x5a2b_94a8_efd5_dbbc,
        ]
      ),
      (
        .max, "é",
        [
          0x062e_1747_7bc8_2574, 0xee5a_08cb_d09e_d728, 0xcf9b_ba66_a6f1_3b0f,
          0x90e8_760a_5382_90e8,
        ]
      ),
    ] as [(UInt64, String, [UInt64])])
  func aStreamIsAFunctionOfSeedAndName(seed: UInt64, name: String, expected: [UInt64]) {
    var stream = Seed(seed).stream(name)
    #expect((0..<4).map { _ in stream.next() } == expected)
  }

  @Test func uniformNumbersHave53Bits() {
    var stream = Seed(7).stream("u")
    #expect(
      (0..<3).map { _ in stream.uniform() } == [
        0.6320267348355775, 0.008059351206348042, 0.09956622268956461,
      ])
  }

  @Test func belowRejectsWhatWouldBiasIt() {
    var small = Seed(7).stream("b")
    #expect((0..<12).map { _ in small.below(10) } == [8, 9, 0, 6, 1, 7, 5, 2, 9, 8, 4, 3])
    // A quarter of all draws are rejected for 3 * 2^61.
    var large = Seed(7).stream("big")
    #expect(
      (0..<6).map { _ in large.below(3 << 61) } == [
        2984644166242558537, 5005200990370086568, 382957448099444208, 1175974184136407739,
        2577272625069349744, 2016108178494358343,
      ])
    var one = Seed(7).stream("one")
    #expect((0..<5).allSatisfy { _ in one.below(1) == 0 })
  }

  @Test func belowIsUniform() {
    var stream = Seed(11).stream("counts")
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[stream.below(7)] += 1 }
    // Chi-square with 6 degrees of freedom: 22.5 is passed once in a thousand seeds.
    let chiSquare = counts.map { Double(($0 - 10_000) * ($0 - 10_000)) / 10_000 }.reduce(0, +)
    #expect(chiSquare < 22.5)
  }

  @Test func normalNumbersFollowBoxAndMuller() {
    var stream = Seed(7).stream("n")
    let expected = [-0.04204398739463014, -0.01441026796363699, 0.8291760914827695]
    for value in expected { #expect(abs(stream.normal() - value) < 1e-15) }
  }

  @Test func shufflingPermutes() {
    var values = Array(0..<10)
    var stream = Seed(7).stream("s")
    stream.shuffle(&values)
    #expect(values == [6, 0, 8, 7, 9, 1, 3, 5, 4, 2])
    var none: [Int] = []
    stream.shuffle(&none)
    #expect(none.isEmpty)
  }

  @Test func derivedSeedsDependOnTheName() {
    #expect(Seed(7).derived("part") == Seed(3_025_992_193_363_248_521))
    #expect(Seed(7).derived("part") != Seed(7).derived("port"))
    #expect(Seed(7).derived("part") != Seed(8).derived("part"))
  }
}
