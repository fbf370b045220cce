package fyke.bench;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.cep.CEP;
import org.apache.flink.cep.functions.PatternProcessFunction;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;

/**
 * Q1 from Kafka to Kafka, exactly once, parallelism 1, in a local cluster.
 *
 * <pre>FlinkKafka BOOTSTRAP GROUP INPUT OUTPUT CHECKPOINT_MS (hashmap|rocksdb) DIR</pre>
 */
public final class FlinkKafka {
    private FlinkKafka() { }

    private static final class Decode implements DeserializationSchema<Row> {
        private transient Json json;

        @Override public Row deserialize(byte[] bytes) throws java.io.IOException {
            json = json == null ? new Json() : json;
            return json.parse(bytes, 0, bytes.length);
        }
        @Override public boolean isEndOfStream(Row r) { return false; }
        @Override public TypeInformation<Row> getProducedType() { return TypeInformation.of(Row.class); }
    }

    private static final class Alert extends PatternProcessFunction<Row, String> {
        @Override public void processMatch(Map<String, List<Row>> m, Context c, Collector<String> out) {
            Row last = m.get("last").get(0);
            out.collect("{\"rule\":\"q1\",\"user\":\"" + last.user + "\",\"at\":" + last.at + "}");
        }
    }

    private static final class Encode implements SerializationSchema<String> {
        @Override public byte[] serialize(String s) { return s.getBytes(StandardCharsets.UTF_8); }
    }

    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        conf.set(StateBackendOptions.STATE_BACKEND, args[5]);
        conf.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        conf.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + args[6]);
        conf.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, conf);
        env.enableCheckpointing(Long.parseLong(args[4]));
        KafkaSource<Row> in = KafkaSource.<Row>builder().setBootstrapServers(args[0]).setGroupId(args[1])
            .setTopics(args[2]).setStartingOffsets(OffsetsInitializer.earliest())
            .setValueOnlyDeserializer(new Decode()).build();
        KafkaSink<String> out = KafkaSink.<String>builder().setBootstrapServers(args[0])
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE).setTransactionalIdPrefix(args[1])
            .setProperty("transaction.timeout.ms", "600000")
            .setRecordSerializer(KafkaRecordSerializationSchema.<String>builder().setTopic(args[3])
                .setValueSerializationSchema(new Encode()).build())
            .build();
        CEP.pattern(env.fromSource(in, WatermarkStrategy.<Row>forMonotonousTimestamps()
                .withTimestampAssigner((r, ts) -> r.at), "in").keyBy(r -> r.user),
                FlinkQueries.of("q1"))
            .process(new Alert()).sinkTo(out);
        env.execute();
    }
}
