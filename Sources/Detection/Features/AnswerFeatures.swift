import Compute
package import Foundation
package import LabCore
package import LanguageModel
import Synchronization

/// What a model computed while it read some answers: one matrix a stream, a row a place.
///
/// Shared by all detectors of a run. Streams are in memory, or in files that are loaded when first
/// asked for.
package final class AnswerFeatures: Sendable {
  package let texts: AnswerTexts
  package let columns: FeatureColumns
  package let configuration: ModelConfiguration
  private let load: @Sendable (CaptureStream) throws -> Data?
  private let loaded = Mutex<[(stream: CaptureStream, values: FloatSlice)]>([])

  /// Streams kept on the device at once.
  private static let keptCount = 4

  /// Keeps what was read; `load` gives the bytes of a stream, nil where it was not captured.
  package init(
    texts: AnswerTexts, columns: FeatureColumns, configuration: ModelConfiguration,
    load: @escaping @Sendable (CaptureStream) throws -> Data?
  ) {
    self.texts = texts
    self.columns = columns
    self.configuration = configuration
    self.load = load
  }

  /// Reads answers into memory, without any file.
  ///
  /// Throws as `AnswerReader.read`.
  package convenience init(
    reading texts: AnswerTexts, streams: Set<CaptureStream>, with reader: AnswerReader,
    work: Work = Work()
  ) throws {
    var columns = FeatureColumns()
    var data = Dictionary(uniqueKeysWithValues: streams.map { ($0, Data()) })
    try reader.read(texts, streams: streams, work: work) { capture in
      columns.append(FeatureColumns(capture))
      for (stream, bytes) in capture.streams { data[stream, default: Data()].append(bytes) }
    }
    let finished = data
    self.init(
      texts: texts, columns: columns, configuration: reader.model.configuration,
      load: { finished[$0] })
  }

  /// How sure the model was while it wrote one answer, at n + 1 places for n tokens.
  ///
  /// Place 0 is `<O>`, which predicts the first token; place i is the i-th token, read; place n
  /// predicts what ends the answer.
  package func reading(_ answer: Int) -> FeatureColumns {
    let first = texts.firstRow(answer)
    return columns[first..<(first + texts.tokenCount(answer) + 1)]
  }

  /// Bytes that streams of so many rows take.
  package static func byteCount(
    rows: Int, streams: Set<CaptureStream>, _ configuration: ModelConfiguration
  ) -> Int {
    4 * rows * (FeatureColumns.count + streams.reduce(0) { $0 + $1.width(configuration) })
  }

  /// The values of a selection for each list of rows, whose mean is taken; shape (count of lists,
  /// width).
  ///
  /// Throws `LabError` for a stream that was not captured.
  package func matrix(_ selection: FeatureSelection, rows: [Range<Int>]) throws -> [Float] {
    let parts = try selection.streams.map { stream in
      (values: try gather(stream, rows), width: stream.width(configuration))
    }
    guard parts.count > 1 || selection.columns != nil else { return parts.first?.values ?? [] }
    let total = parts.reduce(0) { $0 + $1.width }
    var sources: [(part: Int, column: Int)] = []
    for (index, part) in parts.enumerated() {
      for column in 0..<part.width { sources.append((index, column)) }
    }
    let chosen = selection.columns ?? Array(0..<total)
    var result = [Float](repeating: 0, count: rows.count * chosen.count)
    for (place, column) in chosen.enumerated() {
      let (part, source) = sources[column]
      let width = parts[part].width
      for row in rows.indices {
        result[row * chosen.count + place] = parts[part].values[row * width + source]
      }
    }
    return result
  }

  /// The rows of one stream, their means where a range has several.
  private func gather(_ stream: CaptureStream, _ rows: [Range<Int>]) throws -> [Float] {
    let values = try values(of: stream)
    let width = stream.width(configuration)
    let flat = rows.flatMap { $0.map(Int32.init) }
    guard !flat.isEmpty else { return [] }
    let device = values.buffer.device
    let indices = try DeviceBuffer<Int32>(flat.count, on: device).all
    indices.copyIn(flat)
    let output = try DeviceBuffer<Float>(flat.count * width, on: device).all
    let kernels = try KernelStream(
      on: device, precision: .fp32,
      limits: StreamLimits(maximumTokens: 1, maximumSequenceLength: 1, maximumWidth: width))
    kernels.gatherRows(output, input: values, rows: indices, count: flat.count, width: width)
    let gathered = output.copyOut()
    guard flat.count > rows.count else { return gathered }
    var result = [Float](repeating: 0, count: rows.count * width)
    var first = 0
    for (row, range) in rows.enumerated() {
      let share = 1 / Float(range.count)
      for place in first..<(first + range.count) {
        for column in 0..<width {
          result[row * width + column] += share * gathered[place * width + column]
        }
      }
      first += range.count
    }
    return result
  }

  /// A whole stream on the device.
  private func values(of stream: CaptureStream) throws -> FloatSlice {
    try loaded.withLock { loaded in
      if let place = loaded.firstIndex(where: { $0.stream == stream }) {
        let entry = loaded.remove(at: place)
        loaded.append(entry)
        return entry.values
      }
      let width = stream.width(configuration)
      guard let data = try load(stream), data.count == 4 * texts.rowCount * width else {
        throw LabError("the features hold no stream \(stream.name) of the expected size", .failure)
      }
      let values = try DeviceBuffer<Float>(max(1, texts.rowCount * width), on: .cpu).all
      values.copyInBytes(data)
      loaded.append((stream, values))
      if loaded.count > Self.keptCount { loaded.removeFirst() }
      return values
    }
  }
}
