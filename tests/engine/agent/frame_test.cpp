#include "engine/agent/frame.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace kiln::agent {
namespace {

using Status = FrameDecoder::Status;

std::string sample_payload(std::size_t size) {
  std::string payload(size, '\0');
  for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 131 + (i >> 8));
  return payload;
}

TEST(Frame, HasTheDocumentedLayout) {
  const auto frame = encode_frame(FrameType::kStdout, 0x01020304, "hi");
  // The checksum is that of zlib over the 16 bytes before it and the payload, computed apart.
  EXPECT_EQ(frame,
            std::string("KILN\x05\x02\0\0\x04\x03\x02\x01\x02\0\0\0", 16) +
                std::string("X\xb9,V", 4) + "hi");
}

TEST(Frame, RoundTripsEverySizeInAnyPieces) {
  for (const std::size_t size : {0, 1, 2, 255, 4096, 65535, 65536}) {
    const auto payload = sample_payload(size);
    const auto bytes =
        encode_frame(FrameType::kData, 7, payload) + encode_frame(FrameType::kDone, 7, {});
    for (const std::size_t step :
         {std::size_t{1}, std::size_t{19}, std::size_t{21}, bytes.size()}) {
      FrameDecoder decoder;
      std::vector<Frame> frames;
      for (std::size_t at = 0; at < bytes.size(); at += step) {
        auto piece = std::string_view(bytes).substr(at, step);
        Frame frame;
        while (decoder.feed(piece, frame) == Status::kFrame) frames.push_back(frame);
        ASSERT_TRUE(piece.empty());
      }
      ASSERT_EQ(frames.size(), 2U);
      EXPECT_EQ(frames[0].type, FrameType::kData);
      EXPECT_EQ(frames[0].request, 7U);
      EXPECT_EQ(frames[0].payload, payload);
      EXPECT_EQ(frames[1].type, FrameType::kDone);
    }
  }
}

TEST(Frame, WaitsForMoreAtEveryTruncation) {
  const auto bytes = encode_frame(FrameType::kStderr, 3, sample_payload(100));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    FrameDecoder decoder;
    auto piece = std::string_view(bytes).substr(0, size);
    Frame frame;
    EXPECT_EQ(decoder.feed(piece, frame), Status::kNeedMore) << size;
  }
}

TEST(Frame, NoticesEverySingleFlippedBit) {
  const auto good = encode_frame(FrameType::kStdout, 3, sample_payload(100));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    FrameDecoder decoder;
    std::string_view piece = bytes;
    Frame frame;
    // A changed length may make it wait for bytes that never come; it must never accept.
    EXPECT_NE(decoder.feed(piece, frame), Status::kFrame) << "bit " << bit;
  }
}

struct FaultCase {
  std::size_t offset;
  char value;
  FrameFault fault;
};

class FrameFaults : public ::testing::TestWithParam<FaultCase> {};

INSTANTIATE_TEST_SUITE_P(,
                         FrameFaults,
                         ::testing::Values(FaultCase{0, 'X', FrameFault::kMagic},
                                           FaultCase{4, 9, FrameFault::kVersion},
                                           FaultCase{5, 0, FrameFault::kType},
                                           FaultCase{5, 13, FrameFault::kType},
                                           FaultCase{5, 31, FrameFault::kType},
                                           FaultCase{5, 48, FrameFault::kType},
                                           FaultCase{6, 1, FrameFault::kReserved},
                                           FaultCase{15, 1, FrameFault::kLength},
                                           FaultCase{16, 0, FrameFault::kChecksum},
                                           FaultCase{20, 'X', FrameFault::kChecksum}));

TEST_P(FrameFaults, AreNamedAndFinal) {
  auto bytes = encode_frame(FrameType::kStdout, 3, "hi");
  bytes[GetParam().offset] = GetParam().value;
  FrameDecoder decoder;
  std::string_view piece = bytes;
  Frame frame;
  ASSERT_EQ(decoder.feed(piece, frame), Status::kFaulty);
  EXPECT_EQ(decoder.fault(), GetParam().fault);
  EXPECT_STRNE(describe(decoder.fault()), "an unknown fault");
  const auto good = encode_frame(FrameType::kStdout, 3, "hi");
  piece = good;
  EXPECT_EQ(decoder.feed(piece, frame), Status::kFaulty) << "a damaged stream stays damaged";
}

TEST(Frame, RefusesALengthBeyondTheLimitFromTheHeaderAlone) {
  auto bytes = encode_frame(FrameType::kData, 1, {});
  bytes[12] = 1;  // 65537, little-endian
  bytes[13] = 0;
  bytes[14] = 1;
  FrameDecoder decoder;
  std::string_view piece = bytes;
  Frame frame;
  EXPECT_EQ(decoder.feed(piece, frame), Status::kFaulty);
  EXPECT_EQ(decoder.fault(), FrameFault::kLength);
}

TEST(Frame, SurvivesRandomBytes) {
  std::mt19937 random(1);  // NOLINT: the same bytes every time
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 200, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    FrameDecoder decoder;
    std::string_view piece = bytes;
    Frame frame;
    EXPECT_NE(decoder.feed(piece, frame), Status::kFrame);
  }
}

}  // namespace
}  // namespace kiln::agent
