// SPDX-License-Identifier: Apache-2.0
// Costs of the mpc operations: each calls the formula beside its protocol in the runtime.
#include "ir/mpc/operands.h"

#include "ir/fx/owner.h"

#include "runtime/functions/row_operation.h"
#include "runtime/functions/scalar_function.h"
#include "runtime/he/he_cost.h"

using namespace mlir;
using namespace dyad;
using namespace dyad::mpc;

namespace dyad::mpc {

clear::Shape shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().vec();
}

std::uint64_t elements(Value value) {
  return static_cast<std::uint64_t>(cast<RankedTensorType>(value.getType()).getNumElements());
}

unsigned ringBits(Value shares) {
  return cast<ArithType>(cast<RankedTensorType>(shares.getType()).getElementType()).getWidth();
}

clear::Format formatOf(Value known) {
  fx::FixedType type = fx::fixedType(known);
  return {type.getWidth(), type.getIsSigned()};
}

clear::Format clientFormatOf(Value shares) {
  auto share = shares.getDefiningOp<ShareOp>();
  if (!share || fx::fixedType(share.getInput()).getOwner() != fx::Owner::kClient)
    return {};
  return formatOf(share.getInput());
}

dyad::Owner ownerOf(fx::Owner owner) {
  switch (owner) {
  case fx::Owner::kClient:
    return dyad::Owner::kClient;
  case fx::Owner::kServer:
    return dyad::Owner::kServer;
  case fx::Owner::kPublic:
  case fx::Owner::kShared:
    break;
  }
  return dyad::Owner::kPublic;
}

SignFact factOf(Knowledge known) {
  switch (known) {
  case Knowledge::kNonNegative:
    return SignFact::kNonNegative;
  case Knowledge::kBounded:
    return SignFact::kSmall;
  case Knowledge::kGeneral:
    break;
  }
  return SignFact::kUnknown;
}

Radix radixOf(Operation *comparison) {
  return {static_cast<unsigned>(cast<ComparisonOpInterface>(comparison).getRadix())};
}

dyad::LinearProtocol protocolOf(LinearProtocol protocol) {
  switch (protocol) {
  case LinearProtocol::kOtServerChooses:
    return dyad::LinearProtocol::kOtServerChooses;
  case LinearProtocol::kOtClientChooses:
    break;
  case LinearProtocol::kHe:
    return dyad::LinearProtocol::kHe;
  case LinearProtocol::kHePacked:
    return dyad::LinearProtocol::kHePacked;
  }
  return dyad::LinearProtocol::kOtClientChooses;
}

bool isHe(Operation *op) {
  auto protocol = op->getAttrOfType<LinearProtocolAttr>("protocol");
  return protocol && dyad::isHe(protocolOf(protocol.getValue()));
}

he::LinearSpec heSpecOf(Operation *op) {
  bool packed =
      op->getAttrOfType<LinearProtocolAttr>("protocol").getValue() == LinearProtocol::kHePacked;
  if (auto conv = dyn_cast<Conv2DOp>(op))
    return heConvSpec(shapeOf(conv.getInput()), shapeOf(conv.getWeight()), windowOf(conv),
                      ringBits(conv.getResult()), formatOf(conv.getWeight()), packed);
  auto product = cast<MatMulOp>(op);
  bool serverIsLeft = static_cast<bool>(fx::fixedType(product.getLhs()));
  return heMatmulSpec(shapeOf(product.getLhs()), shapeOf(product.getRhs()), serverIsLeft,
                      ringBits(product.getResult()),
                      formatOf(serverIsLeft ? product.getLhs() : product.getRhs()), packed);
}

std::vector<he::KeyNeed> heKeys(Operation *root) {
  std::vector<he::KeyNeed> needs;
  root->walk([&](Operation *op) {
    if (!isHe(op))
      return;
    if (std::optional<he::LinearPlan> plan = he::planFor(heSpecOf(op)))
      needs.push_back(plan->keys());
  });
  return he::merged(needs);
}

clear::ConvWindow windowOf(Conv2DOp op) {
  return clear::ConvWindow::of(op.getStrides(), op.getPads(), op.getDilations(),
                               static_cast<std::int64_t>(op.getGroups()));
}

clear::PoolWindow poolWindowOf(Operation *op) {
  auto list = [&](llvm::StringRef name) {
    return cast<DenseI64ArrayAttr>(op->getAttr(name)).asArrayRef();
  };
  return clear::PoolWindow::of(list("kernel"), list("strides"), list("pads"), list("dilations"));
}

} // namespace dyad::mpc

//===--- local operations
//-----------------------------------------------------------------------===//

Cost StateOp::cost() { return {}; }
Cost SetStateOp::cost() { return {}; }
Cost ShareOp::cost() { return {}; }
Cost AddOp::cost() { return {}; }
Cost SubOp::cost() { return {}; }
Cost NegOp::cost() { return {}; }
Cost ShiftLeftOp::cost() { return {}; }
Cost MulPublicOp::cost() { return {}; }
Cost Conv2DPublicOp::cost() { return {}; }
Cost MatMulPublicOp::cost() { return {}; }
Cost ReduceSumOp::cost() { return {}; }
Cost SumPool2DOp::cost() { return {}; }
Cost NarrowOp::cost() { return {}; }

//===--- protocols
//------------------------------------------------------------------------------===//

Cost RevealOp::cost() {
  return revealCost(elements(getInput()), ringBits(getInput()),
                    ownerOf(fx::fixedType(getResult()).getOwner()));
}
Cost ExtendOp::cost() {
  return extendCost(elements(getInput()), ringBits(getInput()), ringBits(getResult()),
                    factOf(getKnown()), getIsUnsigned(), radixOf(*this));
}
Cost TruncateReduceOp::cost() {
  return truncateReduceCost(elements(getInput()), ringBits(getInput()),
                            static_cast<unsigned>(getShift()), radixOf(*this));
}
Cost TruncateReluOp::cost() {
  return truncateReluCost(elements(getInput()), ringBits(getInput()),
                          static_cast<unsigned>(getShift()), ringBits(getResult()), radixOf(*this));
}
Cost mpc::TruncateOp::cost() {
  return truncateCost(elements(getInput()), ringBits(getInput()), static_cast<unsigned>(getShift()),
                      factOf(getKnown()), radixOf(*this));
}
Cost DivideOp::cost() {
  return divideCost(elements(getInput()), ringBits(getInput()), getDivisor(), radixOf(*this));
}
Cost MsbOp::cost() { return msbCost(elements(getInput()), ringBits(getInput()), radixOf(*this)); }
Cost MuxOp::cost() { return multiplexCost(elements(getInput()), {ringBits(getInput())}); }
Cost MatMulBitOp::cost() {
  return matmulBitCost(shapeOf(getBits()), shapeOf(getMatrix()), ringBits(getResult()));
}
Cost BitToArithOp::cost() { return bitToRingCost(elements(getBit()), ringBits(getResult())); }
Cost ReluOp::cost() { return reluCost(elements(getInput()), ringBits(getInput()), radixOf(*this)); }
Cost mpc::FunctionOp::cost() {
  return scalarFunctionCost(elements(getInput()), functionFrom(getNumbers()), radixOf(*this));
}
Cost mpc::RowsOp::cost() {
  const clear::Shape shape = shapeOf(getInput());
  return rowFunctionCost(static_cast<std::uint64_t>(shape[0]), static_cast<std::uint64_t>(shape[1]),
                         rowFunctionFrom(getNumbers()), radixOf(*this));
}
Cost ClipOp::cost() { return clipCost(elements(getInput()), ringBits(getInput()), radixOf(*this)); }
Cost MaxPool2DOp::cost() {
  return maxPool2dCost(shapeOf(getInput()), poolWindowOf(*this), ringBits(getInput()),
                       radixOf(*this));
}
Cost ReduceMaxOp::cost() {
  return reduceMaxCost(shapeOf(getInput()), getAxes().vec(), ringBits(getInput()), radixOf(*this));
}
Cost ArgMaxOp::cost() {
  return argMaxCost(shapeOf(getInput()), static_cast<std::int64_t>(getAxis()), ringBits(getInput()),
                    radixOf(*this));
}
Cost Conv2DOp::cost() {
  return conv2dCost(shapeOf(getInput()), shapeOf(getWeight()), windowOf(*this),
                    ringBits(getResult()), formatOf(getWeight()), protocolOf(getProtocol()),
                    clientFormatOf(getInput()));
}
Cost MatMulOp::cost() {
  bool serverIsLeft = static_cast<bool>(fx::fixedType(getLhs()));
  return matmulCost(shapeOf(getLhs()), shapeOf(getRhs()), serverIsLeft, ringBits(getResult()),
                    formatOf(serverIsLeft ? getLhs() : getRhs()), protocolOf(getProtocol()),
                    clientFormatOf(serverIsLeft ? getRhs() : getLhs()));
}
Cost MaskOp::cost() { return {}; }
Cost MatMulPreparedOp::cost() {
  return matmulPreparedCost(elements(getLhs()), ringBits(getResult()));
}
Cost MatMulSharedOp::cost() {
  return matmulSharedCost(shapeOf(getLhs()), shapeOf(getRhs()), ringBits(getResult()));
}
Cost MulPrivateOp::cost() {
  return mulPrivateCost(elements(getInput()), ringBits(getInput()), formatOf(getFactor()),
                        ownerOf(fx::fixedType(getFactor()).getOwner()));
}
Cost MulSharedOp::cost() { return mulSharedCost(elements(getLhs()), ringBits(getResult())); }

Cost ParallelOp::cost() {
  Cost cost;
  for (Operation &op : getBody().front())
    if (auto member = dyn_cast<CostOpInterface>(op))
      cost.beside(member.cost());
  return cost;
}
