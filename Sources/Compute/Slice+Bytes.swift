import CKernels
package import Foundation

extension Slice where Element == Float {
  /// The values as bytes, the least significant of each first, as files hold them.
  package func copyOutBytes() -> Data {
    guard count > 0 else { return Data() }
    var bytes = Data(count: count * MemoryLayout<Float>.stride)
    unsafe bytes.withUnsafeMutableBytes { target in
      guard let start = target.baseAddress else { return }
      unsafe buffer.device.table.pointee.copy_out(start, pointer, target.count)
    }
    return bytes
  }

  /// Fills the start of the slice with values from such bytes; there must be room.
  package func copyInBytes(_ bytes: Data) {
    precondition(
      bytes.count <= count * MemoryLayout<Float>.stride && bytes.count % 4 == 0,
      "\(bytes.count) bytes do not fit into \(count) values")
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      unsafe buffer.device.table.pointee.copy_in(pointer, start, source.count)
    }
  }
}
