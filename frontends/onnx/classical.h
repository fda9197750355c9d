// SPDX-License-Identifier: Apache-2.0
// What the builders of ai.onnx.ml share: features as matrices, classes with their labels, and what
// is done to scores behind the model.
#pragma once

#include "frontends/onnx/operators.h"

namespace dyad::onnx {

/// A private matrix or vector of the node's attributes.
Value privateTensor(const Node &node, const char *what, Shape shape, std::vector<float> values);
Value privateVector(const Node &node, const char *what, std::vector<float> values);
/// A tensor that follows from sizes alone.
Value publicTensor(const Node &node, const char *what, Shape shape, std::vector<float> values);

/// Refuses an attribute that is absent or empty.
std::vector<float> requiredReals(const Node &node, const char *name);
/// Reals of an attribute, or of the tensor NAME_as_tensor; none where both are absent.
std::vector<float> realsOrTensor(const Node &node, const std::string &name);
/// Features as a matrix: a vector is one row.
Value featureRows(Node &node);

/// The classes of attributes of these names; null where there are neither.
std::shared_ptr<const Labels> classLabels(const Node &node, const char *numbers, const char *names);
/// Index of the largest of each row, the first one or the `last`, with what it stands for.
Value indexOfLargest(Node &node, const Value &scores, std::shared_ptr<const Labels> labels,
                     bool last = false);
/// The index that `index` is, with other labels: `map` takes the number that was written so far.
/// Refuses what is no index of classes.
Value relabelled(Node &node, const Value &index,
                 const std::function<void(int64_t number, const std::string *name, Labels &)> &map);

/// post_transform: NONE, LOGISTIC, SOFTMAX or SOFTMAX_ZERO (softmax of what is not zero).
Value transformed(Node &node, const Value &scores, const std::string &transform);
/// 1 where x = 0, rounded to the scale of the program, else 0.
Value isZero(Node &node, const Value &x);
Value equals(Node &node, const Value &x, const Value &y);
/// f - x for a public number f.
Value minusFrom(Node &node, float number, const Value &x);

// The rows of the table.
void addEncoders(std::vector<Operator> &table);
void addSupportVectors(std::vector<Operator> &table);
void addTrees(std::vector<Operator> &table);

} // namespace dyad::onnx
