package fyke.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.io.InputStream;

/** The first lines of a file, as bytes in memory with their ends. */
public final class Lines {
    public final byte[] bytes;
    public final int[] ends;
    public int n;

    public Lines(Path file, int most) throws IOException {
        long size = Math.min(Files.size(file), Math.min(Integer.MAX_VALUE - 16L, most * 400L));
        bytes = new byte[(int) size];
        int got = 0;
        try (InputStream in = Files.newInputStream(file)) {
            got = in.readNBytes(bytes, 0, bytes.length);
        }
        ends = new int[most];
        for (int i = 0; i < got && n < most; i++) {
            if (bytes[i] == '\n') {
                ends[n++] = i;
            }
        }
    }

    public int from(int i) { return i == 0 ? 0 : ends[i - 1] + 1; }
    public int length(int i) { return ends[i] - from(i); }
}
