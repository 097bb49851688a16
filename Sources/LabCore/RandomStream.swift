import Foundation

/// A seed from which independent random streams are derived by name, never by order of calls.
package struct Seed: Hashable, Sendable {
  package let value: UInt64

  package init(_ value: UInt64) { self.value = value }

  /// The stream called `name`: a pure function of the seed and the name.
  package func stream(_ name: String) -> RandomStream { RandomStream(seed: self, name: name) }

  /// A seed for a part of the work, itself a pure function of this seed and the name.
  package func derived(_ name: String) -> Seed {
    var stream = stream(name)
    return Seed(stream.next())
  }
}

/// A named random stream: xoshiro256** (Blackman & Vigna 2018) seeded by SHA-256 of seed and name.
///
/// The same seed and name give the same numbers on every machine and in every version of Swift.
package struct RandomStream: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  package init(seed: Seed, name: String) {
    let digest = SHA256.hash(Data("kglab \(seed.value) \(name)".utf8))
    func word(_ index: Int) -> UInt64 {
      digest[(index * 8)..<(index * 8 + 8)].reduce(0) { $0 << 8 | UInt64($1) }
    }
    state = (word(0), word(1), word(2), word(3) | 1)
  }

  package mutating func next() -> UInt64 {
    func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
    let result = rotate(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotate(state.3, 45)
    return result
  }

  /// A number in [0, 1) with 53 random bits.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// An integer in 0 ..< bound, without bias (Lemire 2019); `bound` must be positive.
  package mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "below(_:) needs a positive bound")
    let range = UInt64(bound)
    var product = next().multipliedFullWidth(by: range)
    if product.low < range {
      let threshold = (0 &- range) % range
      while product.low < threshold { product = next().multipliedFullWidth(by: range) }
    }
    return Int(product.high)
  }

  /// A draw from the standard normal distribution (Box & Muller 1958).
  package mutating func normal() -> Double {
    let radius = (-2 * Foundation.log(1 - uniform())).squareRoot()
    return radius * Foundation.cos(2 * Double.pi * uniform())
  }

  /// Puts `values` in a uniformly random order (Fisher & Yates).
  package mutating func shuffle<T>(_ values: inout [T]) {
    guard values.count > 1 else { return }
    for index in stride(from: values.count - 1, to: 0, by: -1) {
      values.swapAt(index, below(index + 1))
    }
  }
}
