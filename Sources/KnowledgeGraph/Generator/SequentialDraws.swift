import Foundation
import LabCore

extension PredicatePlan {
  /// Draws every subject in order, each with what those before it have left.
  ///
  /// For inverse-functional predicates an object is gone once it is drawn; for symmetric ones a
  /// pair that is already connected is no possible draw, and with `functional` neither is who has a
  /// partner already. Throws `LabError` naming the constraint when nothing is left for a subject.
  func drawSequentially(file: String) throws -> DrawBuffer {
    var buffer = DrawBuffer()
    let constraints = schema.holding
    let isPairing =
      constraints.symmetric && (constraints.functional || constraints.inverseFunctional)
    var pool =
      constraints.inverseFunctional || isPairing
      ? DepletingSampler(weights: (0..<objects.count).map { objects.popularity(of: Int32($0)) })
      : nil
    // By place in the object type: with whom an entity is connected by an earlier subject's draw.
    var partners: [[Int32]] =
      constraints.symmetric ? Array(repeating: [], count: objects.count) : []
    let first = Int32(objectRange.lowerBound)
    var stream = stream(block: 0)
    for (index, subject) in subjects.enumerated() {
      if index % Self.blockSize == 0 {
        try Interruption.check("generating")
        stream = self.stream(block: index / Self.blockSize)
      }
      let number = drawCount(&stream)
      let own = ownPlace(of: subject)
      let excluded =
        (own.map { [$0] } ?? []) + (own.map { partners.isEmpty ? [] : partners[Int($0)] } ?? [])
      let isTaken = isPairing && own.map { !partners[Int($0)].isEmpty } ?? false
      var drawn: [Int32] = []
      if isTaken {
        // Has its partner already: what it was to draw is settled.
        finishSubject(&buffer, asked: 0)
        continue
      } else if pool != nil {
        for _ in 0..<number {
          guard let draw = pool?.draw(excluding: excluded + drawn, &stream) else {
            if isPairing { break }
            throw starved(subject: index, file: file)
          }
          buffer.append(draw.object + first, bits: draw.bits)
          drawn.append(draw.object)
          pool?.remove(draw.object)
          if isPairing, let own { pool?.remove(own) }
        }
      } else {
        objects.draw(number, excluding: excluded, &stream) {
          buffer.append($0 + first, bits: $1)
          drawn.append($0)
        }
      }
      if constraints.symmetric, let own {
        for object in drawn {
          partners[Int(object)].append(own)
          partners[Int(own)].append(object)
        }
      }
      finishSubject(&buffer, asked: number)
    }
    return buffer
  }

  private func starved(subject: Int, file: String) -> LabError {
    LabError(
      "\(file): predicates.\(schema.name).inverse_functional: no object of type '\(schema.object)' is left "
        + "after \(subject) of \(subjects.count) subjects, since each of the \(objectRange.count) can have "
        + "one subject only; raise entity_types.\(schema.object).count, or lower objects or coverage"
    )
  }
}
