package fyke.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Q1 by hand over Kafka Streams, exactly once: what is kept for a user are the last two failures and the newest
 * start of two different countries. Right for input in order only; it puts nothing in order.
 *
 * <pre>StreamsQ1 BOOTSTRAP APPLICATION INPUT OUTPUT COMMIT_MS</pre>
 */
public final class StreamsQ1 {
    private static final long BURST_MS = 300_000, TOTAL_MS = 900_000;
    private static final int STATE_BYTES = 4 * 8 + 4 * 2;

    private StreamsQ1() { }

    private static final class Q1 implements Processor<String, byte[], String, byte[]> {
        private final Json json = new Json();
        private ProcessorContext<String, byte[]> context;
        private KeyValueStore<String, byte[]> store;

        @Override public void init(ProcessorContext<String, byte[]> c) {
            context = c;
            store = c.getStateStore("users");
        }

        @Override public void process(Record<String, byte[]> record) {
            Row r;
            try {
                r = json.parse(record.value(), 0, record.value().length);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
            if (r.type != Row.LOGIN) {
                return;
            }
            byte[] kept = store.get(r.user);
            if (kept == null && !r.failed()) {
                return;
            }
            if (r.failed()) {
                store.put(r.user, failed(kept, r));
            } else if (isMatch(kept, r)) {
                store.delete(r.user);
                String alert = "{\"rule\":\"q1\",\"user\":\"" + r.user + "\",\"at\":" + r.at + "}";
                context.forward(new Record<>(r.user, alert.getBytes(StandardCharsets.UTF_8), r.at));
            }
        }

        /** t1 t2 b1 b2: times; c1 c2 bc1 bc2: their countries. */
        private static byte[] failed(byte[] kept, Row r) {
            ByteBuffer s = ByteBuffer.wrap(kept == null ? new byte[STATE_BYTES] : kept.clone());
            long t1 = s.getLong(0);
            short c1 = s.getShort(32), bc1 = s.getShort(36);
            if (t1 != 0 && r.at - t1 <= BURST_MS) {
                if (c1 != bc1) {
                    s.putLong(24, s.getLong(16)).putShort(38, bc1).putShort(36, c1);
                }
                s.putLong(16, t1);
            }
            s.putLong(0, s.getLong(8)).putShort(32, s.getShort(34));
            s.putLong(8, r.at).putShort(34, code(r.country));
            return s.array();
        }

        private static boolean isMatch(byte[] kept, Row r) {
            ByteBuffer s = ByteBuffer.wrap(kept);
            short c = code(r.country);
            long b1 = s.getLong(16), b2 = s.getLong(24);
            long b = b1 != 0 && s.getShort(36) != c ? b1 : b2 != 0 && s.getShort(38) != c ? b2 : 0;
            return b != 0 && r.at - b <= TOTAL_MS;
        }

        private static short code(String country) {
            return (short) (country.charAt(0) << 8 | country.charAt(1));
        }
    }

    public static void main(String[] args) throws Exception {
        Topology topology = new Topology();
        topology.addSource("in", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), args[2]);
        topology.addProcessor("q1", Q1::new, "in");
        topology.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("users"),
            Serdes.String(), Serdes.ByteArray()).withCachingEnabled(), "q1");
        topology.addSink("out", args[3], Serdes.String().serializer(), Serdes.ByteArray().serializer(), "q1");
        Properties p = new Properties();
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, args[4]);
        p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        p.put(StreamsConfig.STATE_DIR_CONFIG, Files.createTempDirectory("streams").toString());
        p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        p.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        KafkaStreams streams = new KafkaStreams(topology, p);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
    }
}
