import Analysis
package import GRDB

/// What `kglab knowledge` comes to, as tables.
extension ResultTable {
  static let storedBits = ResultTable(
    "stored_bits", of: "knowledge", key: "triples, group_kind, group_value",
    columns: """
        triples TEXT NOT NULL CHECK (triples IN ('trained', 'held_out')),
        group_kind TEXT NOT NULL CHECK (group_kind IN ('all', 'predicate', 'exposure')),
        group_value TEXT NOT NULL,
        triple_count INTEGER NOT NULL CHECK (triple_count > 0),
        entropy_bits REAL NOT NULL,
        code_bits REAL NOT NULL,
        stored_bits REAL NOT NULL CHECK (stored_bits >= 0),
        net_bits REAL NOT NULL CHECK (net_bits >= 0),
        reference_bits REAL NOT NULL,
        memorised_bits REAL NOT NULL CHECK (memorised_bits >= 0),
        stored_bits_per_triple_lower REAL,
        stored_bits_per_triple_upper REAL
      """)

  static let calibration = ResultTable(
    "calibration", of: "knowledge", key: "visibility",
    columns: """
        visibility TEXT NOT NULL CHECK (visibility IN \(RunFormat.sets)),
        answer_count INTEGER NOT NULL CHECK (answer_count > 0),
        accuracy REAL NOT NULL,
        mean_confidence REAL NOT NULL,
        brier REAL NOT NULL,
        brier_lower REAL,
        brier_upper REAL,
        ece_equal_width REAL NOT NULL,
        ece_equal_mass REAL NOT NULL,
        bins INTEGER NOT NULL CHECK (bins > 0)
      """)

  static let reliability = ResultTable(
    "reliability_bin", of: "knowledge", key: "visibility, binning, lower",
    columns: """
        visibility TEXT NOT NULL CHECK (visibility IN \(RunFormat.sets)),
        binning TEXT NOT NULL CHECK (binning IN ('equal_width', 'equal_mass')),
        lower REAL NOT NULL,
        upper REAL NOT NULL,
        answer_count INTEGER NOT NULL CHECK (answer_count > 0),
        mean_confidence REAL NOT NULL,
        accuracy REAL NOT NULL
      """)

  static let reversal = ResultTable(
    "reversal", of: "knowledge", key: "forward_predicate, predicate",
    columns: """
        forward_predicate TEXT NOT NULL,
        predicate TEXT NOT NULL,
        fact_count INTEGER NOT NULL CHECK (fact_count > 0),
        gap REAL NOT NULL,
        gap_lower REAL,
        gap_upper REAL,
        share_above REAL NOT NULL,
        accuracy REAL NOT NULL,
        accuracy_lower REAL NOT NULL,
        accuracy_upper REAL NOT NULL,
        forward_accuracy REAL
      """)
}

extension StoredBits: EncodableRecord {
  package func encode(to container: inout PersistenceContainer) throws {
    container["triples"] = isTrained ? "trained" : "held_out"
    container["group_kind"] = groupKind
    container["group_value"] = groupValue
    container["triple_count"] = tripleCount
    container["entropy_bits"] = entropyBits
    container["code_bits"] = codeBits
    container["stored_bits"] = storedBits
    container["net_bits"] = netBits
    container["reference_bits"] = referenceBits
    container["memorised_bits"] = memorisedBits
    container["stored_bits_per_triple_lower"] = storedBitsPerTriple.interval?.low
    container["stored_bits_per_triple_upper"] = storedBitsPerTriple.interval?.high
  }
}

/// A calibration with what the table says of its bins.
struct CalibrationRecord: EncodableRecord {
  let row: CalibrationRow
  let bins: Int

  func encode(to container: inout PersistenceContainer) throws {
    container["visibility"] = row.visibility.rawValue
    container["answer_count"] = row.answerCount
    container["accuracy"] = row.accuracy
    container["mean_confidence"] = row.meanConfidence
    container["brier"] = row.brier.value
    container["brier_lower"] = row.brier.interval?.low
    container["brier_upper"] = row.brier.interval?.high
    container["ece_equal_width"] = row.equalWidthError
    container["ece_equal_mass"] = row.equalMassError
    container["bins"] = bins
  }
}

/// A bin of a set's reliability.
struct ReliabilityRecord: EncodableRecord {
  let visibility: QuerySet
  let bin: ReliabilityBin

  func encode(to container: inout PersistenceContainer) throws {
    container["visibility"] = visibility.rawValue
    container["binning"] = bin.binning.rawValue
    container["lower"] = bin.lower
    container["upper"] = bin.upper
    container["answer_count"] = bin.count
    container["mean_confidence"] = bin.meanConfidence
    container["accuracy"] = bin.accuracy
  }
}

extension ReversalRow: EncodableRecord {
  package func encode(to container: inout PersistenceContainer) throws {
    container["forward_predicate"] = forwardPredicate
    container["predicate"] = predicate
    container["fact_count"] = factCount
    container["gap"] = gap.value
    container["gap_lower"] = gap.interval?.low
    container["gap_upper"] = gap.interval?.high
    container["share_above"] = shareAbove
    container["accuracy"] = accuracy.value
    container["accuracy_lower"] = accuracy.interval?.low ?? 0
    container["accuracy_upper"] = accuracy.interval?.high ?? 1
    container["forward_accuracy"] = forwardAccuracy
  }
}
