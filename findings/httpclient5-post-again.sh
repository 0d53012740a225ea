#!/bin/sh
# Plausible guess: Apache HttpClient repeats GET and the like by itself, but never a POST: a repeated POST may be
# applied twice, and RFC 9110 forbids a client to repeat one automatically unless it knows that this is safe.
# Truth: after a 503 or a 429 the default client sends any request again, a POST too, after Retry-After or one second. A
# 503 of a proxy whose server had taken the request becomes a second one, and the caller sees the last answer alone.
set -eu
cd "$(mktemp -d)"
command -v mvn >/dev/null || apt-get install --yes --no-install-recommends maven >/dev/null
cat >pom.xml <<'X'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId><artifactId>post</artifactId><version>0</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.httpcomponents.client5</groupId><artifactId>httpclient5</artifactId><version>5.5</version>
    </dependency>
  </dependencies>
</project>
X
cat >Main.java <<'J'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.apache.hc.core5.util.VersionInfo;

public class Main {
    public static void main(String[] arguments) throws Exception {
        var arrived = new AtomicInteger();
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        // The first POST ends in a 503 without Retry-After, as of a proxy whose server took it and was slow.
        server.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(arrived.incrementAndGet() == 1 ? 503 : 200, -1);
            exchange.close();
        });
        server.start();
        var version = VersionInfo.loadVersionInfo("org.apache.hc.client5", Main.class.getClassLoader());
        System.out.println("httpclient5 " + version.getRelease());
        for (var client : new Object[][] {
            {"as it is made", HttpClients.createDefault()},
            {"with disableAutomaticRetries()", HttpClients.custom().disableAutomaticRetries().build()}}) {
            arrived.set(0);
            var post = new HttpPost("http://127.0.0.1:" + server.getAddress().getPort() + "/");
            post.setEntity(new StringEntity("{\"add\": \"ann@example.com\"}"));
            int status = ((org.apache.hc.client5.http.impl.classic.CloseableHttpClient) client[1])
                .execute(post, response -> response.getCode());
            System.out.println(client[0] + ": status " + status + ", the server saw " + arrived.get());
        }
        server.stop(0);
    }
}
J
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath -Dmdep.outputFile=classpath >/dev/null
java -cp "$(cat classpath)" Main.java 2>/dev/null | tee seen
printf '%s\n' 'httpclient5 5.5' 'as it is made: status 200, the server saw 2' \
    'with disableAutomaticRetries(): status 503, the server saw 1' | cmp - seen
# Seen on 2026-11-30:
#   httpclient5 5.5
#   as it is made: status 200, the server saw 2
#   with disableAutomaticRetries(): status 503, the server saw 1
