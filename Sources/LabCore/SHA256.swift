import COpenSSL
import Foundation

/// SHA-256 (FIPS 180-4) of bytes that come in pieces, by OpenSSL; a value, so that a copy goes its
/// own way.
///
/// The C calls read a buffer for the length of the call and keep nothing, hence the `unsafe` here.
struct SHA256: Sendable {
  private var context = SHA256_CTX()

  init() { unsafe SHA256_Init(&context) }

  mutating func update(_ bytes: some ContiguousBytes) {
    unsafe bytes.withUnsafeBytes { unsafe _ = SHA256_Update(&context, $0.baseAddress, $0.count) }
  }

  /// The 32 bytes of the digest; nothing may be added after it.
  mutating func finalize() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    unsafe SHA256_Final(&digest, &context)
    return digest
  }

  static func hash(_ bytes: some ContiguousBytes) -> [UInt8] {
    var hasher = SHA256()
    hasher.update(bytes)
    return hasher.finalize()
  }
}
