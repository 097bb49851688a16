import CKernels
import LabCore

/// Sizes a stream must be able to hold.
package struct StreamLimits: Sendable {
  /// Largest number of rows of any call.
  package var maximumTokens: Int
  /// Longest sequence of any attention call.
  package var maximumSequenceLength: Int
  /// Widest matrix side of any linear call.
  package var maximumWidth: Int

  package init(maximumTokens: Int, maximumSequenceLength: Int, maximumWidth: Int) {
    self.maximumTokens = maximumTokens
    self.maximumSequenceLength = maximumSequenceLength
    self.maximumWidth = maximumWidth
  }
}

/// Kernels in order on one thread, with scratch memory of their own.
///
/// The methods mirror the kernel table in `ckernels.h`, which states each op's formula; shapes are
/// given as (rows, columns), and each method checks that its slices are large enough.
@safe package final class KernelStream {
  package let device: Device
  package let precision: Precision
  let raw: OpaquePointer

  /// Throws `LabError` when memory is short.
  package init(on device: Device, precision: Precision, limits: StreamLimits) throws {
    let limits = kl_limits(
      max_tokens: limits.maximumTokens, max_sequence_length: limits.maximumSequenceLength,
      max_width: limits.maximumWidth)
    guard let raw = unsafe device.table.pointee.stream_create(precision.raw, limits) else {
      throw LabError("cannot allocate scratch memory; choose a smaller batch or context", .failure)
    }
    self.device = device
    self.precision = precision
    unsafe self.raw = raw
  }

  deinit { unsafe device.table.pointee.stream_destroy(raw) }

  var ops: kl_table { unsafe device.table.pointee }

  /// The address of a slice that must hold at least `count` values.
  func pointer<Element>(_ slice: Slice<Element>, _ count: Int) -> UnsafeMutablePointer<Element> {
    precondition(slice.count >= count, "needs \(count) values, has \(slice.count)")
    return unsafe slice.pointer
  }

  /// The address of an optional slice, or nil.
  func optionalPointer<Element>(
    _ slice: Slice<Element>?, _ count: Int
  ) -> UnsafeMutablePointer<Element>? {
    guard let slice else { return nil }
    return unsafe pointer(slice, count)
  }
}
