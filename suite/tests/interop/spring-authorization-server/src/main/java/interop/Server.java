package interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.proc.SecurityContext;
import java.io.IOException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.RSAPrivateKey;
import java.security.interfaces.RSAPublicKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.http.MediaType;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.crypto.password.NoOpPasswordEncoder;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.oidc.endpoint.OidcParameterNames;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationConsent;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationConsentService;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.config.annotation.web.configurers.OAuth2AuthorizationServerConfigurer;
import org.springframework.security.oauth2.server.authorization.settings.AuthorizationServerSettings;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.oauth2.server.authorization.token.JwtEncodingContext;
import org.springframework.security.oauth2.server.authorization.token.OAuth2TokenCustomizer;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.util.matcher.MediaTypeRequestMatcher;

/**
 * Spring Authorization Server (the real server) as its manual's "Getting Started" sets it up, behind ../glue/proxy.mjs.
 *
 * <p>Ours is only what the manual leaves to the deployer: the clients, the users, the keys, refresh tokens used once, and the
 * claim fhirUser. All that comes in SETUP, from ../glue/clients.mjs.
 */
@SpringBootApplication
public class Server {
  private final JsonNode setup = new ObjectMapper().readTree(System.getenv("SETUP"));
  private final String origin = System.getenv("PUBLIC_ORIGIN");

  public Server() throws IOException {}

  public static void main(String[] args) {
    SpringApplication.run(Server.class, args);
  }

  @Bean
  @Order(1)
  SecurityFilterChain authorizationServer(HttpSecurity http) throws Exception {
    OAuth2AuthorizationServerConfigurer server = OAuth2AuthorizationServerConfigurer.authorizationServer();
    http.securityMatcher(server.getEndpointsMatcher())
        .with(server, it -> it.oidc(Customizer.withDefaults()))
        .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
        .exceptionHandling(it -> it.defaultAuthenticationEntryPointFor(new LoginUrlAuthenticationEntryPoint("/login"), pages()));
    return http.build();
  }

  /** Who asks for a page, as Spring Boot's own configuration has it. */
  private static MediaTypeRequestMatcher pages() {
    MediaTypeRequestMatcher pages = new MediaTypeRequestMatcher(MediaType.TEXT_HTML);
    pages.setIgnoredMediaTypes(Set.of(MediaType.ALL));
    return pages;
  }

  @Bean
  @Order(2)
  SecurityFilterChain signIn(HttpSecurity http) throws Exception {
    return http.authorizeHttpRequests(requests -> requests.requestMatchers("/error").permitAll().anyRequest().authenticated())
        .formLogin(Customizer.withDefaults())
        .build();
  }

  @Bean
  UserDetailsService users() {
    InMemoryUserDetailsManager users = new InMemoryUserDetailsManager();
    for (JsonNode user : setup.get("users")) {
      users.createUser(User.withUsername(user.get("username").asText())
          .password(user.get("password").asText()).roles("USER").build());
    }
    return users;
  }

  /** Test data need no work factor: with bcrypt, which Spring moves every password to, a run takes six times as long. */
  @Bean
  @SuppressWarnings("deprecation")
  PasswordEncoder passwords() {
    return NoOpPasswordEncoder.getInstance();
  }

  @Bean
  RegisteredClientRepository clients() {
    List<RegisteredClient> clients = new ArrayList<>();
    setup.get("clients").forEach(client -> clients.add(client(client)));
    return new InMemoryRegisteredClientRepository(clients);
  }

  private RegisteredClient client(JsonNode client) {
    String id = client.get("id").asText();
    String method = client.get("method").asText();
    ClientSettings.Builder settings = ClientSettings.builder().requireProofKey(true).requireAuthorizationConsent(true);
    RegisteredClient.Builder registered = RegisteredClient.withId(id).clientId(id)
        .clientAuthenticationMethod(new ClientAuthenticationMethod(method))
        .authorizationGrantType(AuthorizationGrantType.AUTHORIZATION_CODE)
        .authorizationGrantType(AuthorizationGrantType.REFRESH_TOKEN)
        .tokenSettings(TokenSettings.builder().reuseRefreshTokens(false).build());
    if (client.has("secret")) {
      registered.clientSecret(client.get("secret").asText());
    }
    if (client.has("key")) {
      settings.jwkSetUrl(origin + "/fhir/glue/jwks/" + id)
          .tokenEndpointAuthenticationSigningAlgorithm(SignatureAlgorithm.from(client.get("key").get("alg").asText()));
    } else if (client.has("jwksUri")) {
      settings.jwkSetUrl(client.get("jwksUri").asText())
          .tokenEndpointAuthenticationSigningAlgorithm(SignatureAlgorithm.ES384);
    }
    setup.get("redirect_uris").forEach(uri -> registered.redirectUri(uri.asText()));
    for (String scope : setup.get("scopes").asText().split(" ")) {
      registered.scope(scope);
    }
    return registered.clientSettings(settings.build()).build();
  }

  /** Remembers no consent: the user is asked each time, and may refuse. */
  @Bean
  OAuth2AuthorizationConsentService consents() {
    return new OAuth2AuthorizationConsentService() {
      @Override
      public void save(OAuth2AuthorizationConsent consent) {}

      @Override
      public void remove(OAuth2AuthorizationConsent consent) {}

      @Override
      public OAuth2AuthorizationConsent findById(String clientId, String user) {
        return null;
      }
    };
  }

  @Bean
  JWKSource<SecurityContext> keys() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    KeyPair pair = generator.generateKeyPair();
    RSAKey key = new RSAKey.Builder((RSAPublicKey) pair.getPublic()).privateKey((RSAPrivateKey) pair.getPrivate())
        .keyID(UUID.randomUUID().toString()).build();
    return new ImmutableJWKSet<>(new JWKSet(key));
  }

  @Bean
  OAuth2TokenCustomizer<JwtEncodingContext> fhirUser() {
    return context -> {
      if (OidcParameterNames.ID_TOKEN.equals(context.getTokenType().getValue())
          && context.getAuthorizedScopes().contains("fhirUser")) {
        context.getClaims().claim("fhirUser", setup.get("patient_url").asText());
      }
    };
  }

  @Bean
  AuthorizationServerSettings settings() {
    return AuthorizationServerSettings.builder().issuer(origin).build();
  }
}
